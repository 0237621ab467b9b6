"""Compares two jobs frame by frame. Both stay as they are; what comes of it goes into a folder of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from farm.analyze import image_difference
from farm.errors import StorageError, UsageError
from farm.manifest import Manifest
from farm.manifest.references import written_prompts
from farm.records import ClipSpec, Pixels, evenly_spaced
from farm.reduce.grids import Pair, save_side_by_side
from farm.results.compare_frames import (
    ClipScores,
    Comparison,
    Distance,
    Distances,
    Kept,
    Measured,
    Setting,
    Side,
    find_clip,
    frames_of,
    said,
    scores_measured,
    scores_now,
)
from farm.results.job import FinishedJob, open_finished
from farm.store import JobFolder, decode_frame, file_name

NAME = "side_by_side.png"
_SHOWN = 8
_NAMED = 6
_LONGEST = 24


def write_sheet(
    target: JobFolder, found: Comparison, first: FinishedJob, second: FinishedJob, frames: Sequence[int]
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
    found = image_difference(first, second)
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


def _read(job: FinishedJob, frame: int) -> Pixels:
    name = file_name(frame)
    return decode_frame(job.folder.read(name), job.folder.path(name))


def told_apart(first: str, second: str) -> tuple[str, str]:
    """Return the ends of two paths or URLs, with as many folders above as it takes to tell them apart.

    Raises:
        UsageError: when they are one.
    """
    if first == second:
        raise UsageError(f"{first}: is given twice; give the folders of two jobs.")
    parts, others = first.split("/"), second.split("/")
    depth = 1
    while parts[-depth:] == others[-depth:]:
        depth += 1
    return "/".join(parts[-depth:]), "/".join(others[-depth:])


def beside(first: str, second: str) -> str:
    """Return the folder beside the first one that is named after both."""
    above, _, name = first.rpartition("/")
    return f"{above}/{name}-vs-{second.rpartition('/')[2]}"


_NO_SETTINGS = frozenset(("version", "name", "description", "output", "analysis"))
"""What changes no frame."""


def differing(one: Manifest, other: Manifest) -> tuple[Setting, ...]:
    """Return the settings in which two resolved manifests differ, in their order."""
    both = (manifest.model_dump(mode="json", by_alias=True) for manifest in (one, other))
    first, second = ({key: data[key] for key in data if key not in _NO_SETTINGS} for data in both)
    return tuple(_apart("", first, second))


def refuse_unlike(labels: tuple[str, str], one: Manifest, other: Manifest) -> None:
    """Refuse jobs of which frames of one number are not to show the same.

    Raises:
        UsageError: with what of prompts and frame count differs.
    """
    clauses = [*_unlike(labels, one, other)]
    if clauses:
        raise UsageError(
            f"{labels[0]} and {labels[1]}: cannot be compared frame by frame: {'; '.join(clauses)}. Compare jobs of "
            "the same prompts and frame count, such as one manifest rendered with two --set."
        )


def _unlike(labels: tuple[str, str], one: Manifest, other: Manifest) -> Iterator[str]:
    frames = one.animation.frame_count, other.animation.frame_count
    if frames[0] != frames[1]:
        yield f"{labels[0]} has {frames[0]} frames, {labels[1]} has {frames[1]}"
    prompts, others = _prompts(one), _prompts(other)
    if len(prompts) != len(others):
        yield f"{labels[0]} has {_count(prompts)}, {labels[1]} has {_count(others)}"
        return
    unlike = [number for number in range(len(prompts)) if prompts[number] != others[number]]
    if unlike:
        first = unlike[0]
        more = f" (and {len(unlike) - 1} more differ)" if len(unlike) > 1 else ""
        yield (
            f"prompt {first + 1} is {prompts[first]!r} in {labels[0]} and {others[first]!r} in {labels[1]}{more}"
        )


def _prompts(manifest: Manifest) -> list[str]:
    return [text for place, text in written_prompts(manifest) if place[0] == "animation"]


def _count(prompts: Sequence[str]) -> str:
    return "1 prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"


def _apart(field: str, one: Any, other: Any) -> Iterator[Setting]:
    if one == other or not (_is_set(one) or _is_set(other)):
        return
    parts, others = _parts(one), _parts(other)
    if parts is None or others is None:
        yield Setting(field=field, first=one, second=other)
        return
    for key in dict.fromkeys((*parts, *others)):
        yield from _apart(f"{field}.{key}" if field else key, parts.get(key), others.get(key))


def _is_set(value: Any) -> bool:
    return value is not None and value != {} and value != []


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return what a section, or a list of sections, consists of; nothing if it is not set; None for a single value."""
    if isinstance(value, Mapping):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return {str(number): part for number, part in enumerate(value)}
    return {} if value is None else None


RESULT = "comparison.json"

Tell = Callable[[int, int], None]
"""Is told how many frames are done, and how many there are."""


def compare(
    one: str, other: str, *, clip: ClipSpec | None = None, output: str = "", tell: Tell = lambda *_: None
) -> Comparison:
    """Compare the jobs in two folders, and leave `comparison.json` and `side_by_side.png` in `output`.

    Without `clip`, CLIP scores are those of the jobs' own analyses. An empty `output` is a folder beside the first job.

    Raises:
        UsageError: when one is not a job's folder, or their prompts or frame counts differ.
        ManifestError: when the manifest in one was changed into one that is wrong.
        ModelError: when the CLIP model cannot be loaded.
        StorageError: when they share no frame, or something cannot be read or written.
    """
    pair = _Pair(open_finished(one), open_finished(other))
    scores = scores_now(clip) if clip else scores_measured(pair.first, pair.second)
    pair.measure(scores, tell)
    target = JobFolder(output or beside(*pair.paths))
    found = pair.comparison(scores, target)
    write_sheet(target, found, pair.first, pair.second, pair.distances.frames)
    target.write(RESULT, _text(found).encode())
    return found


class _Pair:
    """Two jobs that may be compared."""

    def __init__(self, first: FinishedJob, second: FinishedJob) -> None:
        self.first, self.second = first, second
        self.paths = first.folder.path("").rstrip("/"), second.folder.path("").rstrip("/")
        self.distances = Distances()
        self._labels = told_apart(*self.paths)
        refuse_unlike(self._labels, first.document.manifest, second.document.manifest)

    def measure(self, scores: ClipScores, tell: Tell) -> None:
        """Look at every frame of both.

        Raises:
            StorageError: when they share none, or something cannot be read.
        """
        self._one = Measured(self._labels[0], self.paths[0], scores.first)
        self._other = Measured(self._labels[1], self.paths[1], scores.second)
        planned = self.first.plan.frame_count
        for frame, both in enumerate(zip(frames_of(self.first), frames_of(self.second), strict=True)):
            match both:
                case Kept() as its, Kept() as others:
                    self._one.take(its)
                    self._other.take(others)
                    self.distances.take(frame, its.pixels, others.pixels)
            for measured, kept in zip((self._one, self._other), both, strict=True):
                if isinstance(kept, str):
                    measured.lack(frame, kept)
            tell(frame + 1, planned)
        if not self.distances.frames:
            raise StorageError(
                f"{self._labels[0]} and {self._labels[1]}: no frame is there in both; farm inspect says what "
                "each lacks."
            )

    def comparison(self, scores: ClipScores, target: JobFolder) -> Comparison:
        """Return what was found."""
        return Comparison(
            first=self._one.side,
            second=self._other.side,
            planned=self.first.plan.frame_count,
            compared=len(self.distances.frames),
            settings=differing(self.first.document.manifest, self.second.document.manifest),
            clip=scores.model if self._one.scored and self._other.scored else "",
            rgb=self.distances.rgb,
            perceptual=self.distances.perceptual,
            remarks=tuple(self._remarks(scores)),
            folder=target.path("").rstrip("/"),
            files=(RESULT, NAME),
        )

    def _remarks(self, scores: ClipScores) -> Iterator[str]:
        """Yield what is to be known before conclusions are drawn."""
        one, other, compared = self._one, self._other, len(self.distances.frames)
        for measured in (one, other):
            if measured.rehearsed:
                yield f"{measured.side.label} is a rehearsal: its frames were drawn without its model."
        if one.side.devices != other.side.devices:
            where = " and ".join(", ".join(measured.side.devices) for measured in (one, other))
            yield f"The jobs were rendered on {where}, so seconds a frame tell of that, too."
        if self.distances.unlike:
            yield f"{self.distances.unlike} of {compared} frames are of two sizes; distances are of the others."
        if scores.why:
            yield f"No CLIP scores: {scores.why}."
        elif not compared == one.scored == other.scored:
            yield (
                f"CLIP scores are of {one.scored} and {other.scored} of {compared} frames; --clip NAME measures now."
            )


def _text(found: Comparison) -> str:
    return json.dumps(dataclasses.asdict(found), indent=2, ensure_ascii=False) + "\n"


__all__ = ["Comparison", "Distance", "Setting", "Side", "compare", "find_clip", "said"]
