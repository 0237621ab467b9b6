"""How an opened job shows itself in a notebook: as a small film, with a few facts."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from PIL import Image

from farm.errors import StorageError
from farm.records import evenly_spaced
from farm.units import format_duration

if TYPE_CHECKING:
    from farm.run.finished.opened import OpenedJob

_SIDE = 256
_MOST = 60
_QUALITY = 80
_FPS = 10.0


def page(job: OpenedJob) -> str:
    """Return HTML that needs nothing beside it: an animated WebP of at most 60 frames of 256 pixels, and facts."""
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;white-space:nowrap">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in _facts(job)
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
        f'{_film(job)}<div style="flex:1;min-width:18em">'
        f"<strong>{html.escape(job.name)}</strong><table>{rows}</table></div></div>"
    )


def _facts(job: OpenedJob) -> Iterator[tuple[str, str]]:
    manifest, summary = job.manifest, job.summary
    if manifest["description"]:
        yield "description", manifest["description"]
    yield "kind", manifest["animation"]["kind"]
    yield "frames", f"{len(job)} of {job.planned}"
    yield "model", f"{manifest['model']['pipeline']}, {manifest['model']['pretrained']}"
    yield "state", job.state
    if summary is not None:
        if summary.finished_at:
            yield "last run", format_duration(summary.seconds)
        for number, sentence in enumerate(_sentences(summary.analysis)):
            yield "" if number else "shows", sentence
    yield "folder", job.path


def _sentences(analysis: Mapping[str, object] | None) -> Iterator[str]:
    match analysis:
        case {"sentences": [*sentences]}:
            for sentence in sentences:
                match sentence:
                    case {"text": str(text)}:
                        yield text


def _film(job: OpenedJob) -> str:
    pictures = list(_thumbnails(job))
    if not pictures:
        return ""
    first, *others = pictures
    buffer = io.BytesIO()
    duration = round(1000 * len(job) / _fps(job) / len(pictures))
    first.save(
        buffer,
        format="webp",
        save_all=True,
        append_images=others,
        duration=max(20, duration),
        loop=0,
        quality=_QUALITY,
    )
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    said = html.escape(f"animation of {job.name}: {len(pictures)} of its frames", quote=True)
    return f'<img width="{_SIDE}" alt="{said}" src="data:image/webp;base64,{data}">'


def _thumbnails(job: OpenedJob) -> Iterator[Image.Image]:
    """Yield pictures of one size; one that cannot be read is left out."""
    size: tuple[int, int] | None = None
    for place in evenly_spaced(len(job), _MOST) if len(job) else ():
        try:
            picture = job.images[place]
        except StorageError:
            continue
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        size = size or picture.size
        yield picture if picture.size == size else picture.resize(size)


def _fps(job: OpenedJob) -> float:
    output = job.manifest["output"]
    film = output.get("gif") or output.get("mp4")
    return float(film["fps"]) if film else _FPS
