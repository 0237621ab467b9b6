"""`side_by_side.png`: which frames it shows, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from farm.analyze import apart
from farm.records import Pixels, evenly_spaced
from farm.reduce.side_by_side import Pair, save_side_by_side
from farm.run.compare.comparison import Comparison, said
from farm.run.finished.rendered import Rendered
from farm.store import JobFolder, decode_frame, file_name

NAME = "side_by_side.png"
_SHOWN = 8
_NAMED = 6
_LONGEST = 24


def write_sheet(
    target: JobFolder, found: Comparison, first: Rendered, second: Rendered, frames: Sequence[int]
) -> None:
    """Write evenly chosen ones of the frames that both jobs have, and the one where they are farthest apart.

    Raises:
        StorageError: when a frame cannot be read, or the picture not be written.
    """
    farthest = found.perceptual.frame if found.perceptual else None
    chosen = {frames[place] for place in evenly_spaced(len(frames), _SHOWN)}
    pairs = [
        _pair(frame, _read(first, frame), _read(second, frame), is_farthest=frame == farthest)
        for frame in sorted(chosen if farthest is None else {*chosen, farthest})
    ]
    title = f"{found.first.label} above {found.second.label}"
    if farthest is not None:
        title += "; the numbers say how far apart to an eye: (1 - SSIM) / 2"
    labels = " ".join(_label(found, "first")), " ".join(_label(found, "second"))
    with target.writing(NAME) as path:
        save_side_by_side(path, title, labels, pairs)


def _pair(frame: int, first: Pixels, second: Pixels, *, is_farthest: bool) -> Pair:
    found = apart(first, second)
    caption = f"frame {frame}"
    if found is not None:
        caption += f": {found.perceptual:.3f}{', the most' if is_farthest else ''}"
    return Pair(caption=caption, first=first, second=second)


def _label(found: Comparison, which: str) -> Iterator[str]:
    """Yield the words before a row: the job and what is set in it alone, by the last words of the fields."""
    yield getattr(found, which).label
    set_here = [setting for setting in found.settings if getattr(setting, which) is not None]
    for setting in set_here[:_NAMED]:
        yield f"{setting.field.partition('.')[2] or setting.field}={said(getattr(setting, which), _LONGEST)}"
    if len(set_here) > _NAMED:
        yield f"(+{len(set_here) - _NAMED})"


def _read(job: Rendered, frame: int) -> Pixels:
    name = file_name(frame)
    return decode_frame(job.folder.read(name), job.folder.path(name))
