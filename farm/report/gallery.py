"""`index.html`: many jobs on one page, with their previews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from farm.errors import StorageError
from farm.report.data import State
from farm.report.html import render_page
from farm.report.pictures import MAX_PREVIEW_BYTES, PREVIEW, poster_of
from farm.report.wording import STATES
from farm.store import JobFolder

NAME = "index.html"
_STYLES = ("theme.css", "gallery.css")
_SCRIPTS = ("memory.js", "theme.js", "filters.js", "previews.js", "scroll.js", "refresh.js", "gallery.js")
_NAMES: dict[State | Literal["unreadable", "refused"], str] = {
    **dict(STATES.items()),
    "unreadable": "Unreadable",
    "refused": "Refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryEntry:
    """The contents of a job's card.

    `folder` is relative to the gallery's, with `/` between its parts; `report` says whether it has a `report.html`.
    `frames` of `frame_count` are finished. `error` is what ended the job, or why its folder is unreadable or its
    manifest was refused. A refused manifest has no folder; `folder` is then a name.
    """

    folder: str
    name: str
    state: State | Literal["unreadable", "refused"]
    frames: int
    frame_count: int
    description: str = ""
    seconds: float = 0.0
    started_at: str = ""
    error: str = ""
    report: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """The contents of a card as drawn; `error` names the job's files relative to its folder."""

    entry: GalleryEntry
    state_name: str
    error: str
    poster: bytes | None
    width: int
    height: int


def write_gallery(
    folder: JobFolder,
    entries: Iterable[GalleryEntry],
    *,
    title: str = "Jobs",
    written_at: str = "",
    refresh_seconds: float = 0.0,
) -> int:
    """Write the page of many jobs, atomically, and return its size in bytes; the newest job comes first.

    Posters are the first pictures of the jobs' `preview.webp`, embedded in the page; the previews play from their
    files, and a card with an unreadable preview has no picture. While a job runs, the page reloads itself if
    `refresh_seconds` is above 0.

    Raises:
        StorageError: it cannot be written.
    """
    ordered = sorted(entries, key=lambda entry: (entry.started_at, entry.name), reverse=True)
    counts = Counter(entry.state for entry in ordered)
    running = bool(counts["running"])
    page = render_page(
        "gallery.html",
        styles=_STYLES,
        scripts=_SCRIPTS,
        values={
            "title": title,
            "cards": [_card(folder, entry) for entry in ordered],
            "states": [(state, name, counts[state]) for state, name in _NAMES.items() if counts[state]],
            "written_at": written_at,
            "running": running,
            "refresh_seconds": refresh_seconds if running else 0,
            "picture_sources": "'self' file:",
            "preview": PREVIEW,
        },
    )
    folder.write(NAME, page)
    return len(page)


def _card(folder: JobFolder, entry: GalleryEntry) -> _Card:
    try:
        data = folder.find(f"{entry.folder}/{PREVIEW}", max_bytes=MAX_PREVIEW_BYTES)
    except StorageError:
        data = None
    poster, width, height = (data and poster_of(data)) or (None, 0, 0)
    return _Card(
        entry=entry,
        state_name=_NAMES[entry.state],
        error=entry.error.replace(folder.path(f"{entry.folder}/"), ""),
        poster=poster,
        width=width,
        height=height,
    )
