"""Compare two jobs frame by frame, and write the results to a separate folder."""

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
    ChangedSetting,
    ClipScores,
    Comparison,
    Distance,
    Distances,
    JobMeasures,
    LoadedFrame,
    Side,
    find_clip,
    format_setting,
    frames_of,
    scores_measured,
    scores_now,
)
from farm.results.job import FinishedJob, open_finished
from farm.store import JobFolder, decode_frame, file_name

NAME = "side_by_side.png"
_MAX_FRAMES = 8
_MAX_SETTINGS = 6
_MAX_CHARACTERS = 24


def write_sheet(
    target: JobFolder, found: Comparison, first: FinishedJob, second: FinishedJob, frames: Sequence[int]
) -> None:
    """Write an image of evenly spaced common frames side by side, including the most different one.

    Raises:
        StorageError: if a frame cannot be read, or the image cannot be written.
    """
    farthest = found.perceptual.frame if found.perceptual else None
    chosen = {frames[position] for position in evenly_spaced(len(frames), _MAX_FRAMES)}
    pairs = [
        _pair(frame, _read(first, frame), _read(second, frame), is_farthest=frame == farthest)
        for frame in sorted(chosen if farthest is None else {*chosen, farthest})
    ]
    title = f"{found.first.label} above {found.second.label}"
    if farthest is not None:
        title += "; numbers: perceptual distance, (1 - SSIM) / 2"
    labels = " ".join(_label(found, "first")), " ".join(_label(found, "second"))
    with target.writing(NAME) as path:
        save_side_by_side(path, title, labels, pairs)


def _pair(frame: int, first: Pixels, second: Pixels, *, is_farthest: bool) -> Pair:
    found = image_difference(first, second)
    caption = f"frame {frame}"
    if found is not None:
        caption += f": {found.perceptual:.3f}{', maximum' if is_farthest else ''}"
    return Pair(caption=caption, first=first, second=second)


def _label(found: Comparison, which: str) -> Iterator[str]:
    """Yield the words of a row label: the job's label, and the settings that differ."""
    yield getattr(found, which).label
    set_here = [setting for setting in found.settings if getattr(setting, which) is not None]
    for setting in set_here[:_MAX_SETTINGS]:
        name = setting.field.partition(".")[2] or setting.field
        yield f"{name}={format_setting(getattr(setting, which), _MAX_CHARACTERS)}"
    if len(set_here) > _MAX_SETTINGS:
        yield f"(+{len(set_here) - _MAX_SETTINGS})"


def _read(job: FinishedJob, frame: int) -> Pixels:
    name = file_name(frame)
    return decode_frame(job.folder.read(name), job.folder.path(name))


def distinct_labels(first: str, second: str) -> tuple[str, str]:
    """Return the shortest distinct suffixes of two paths or URLs.

    Raises:
        UsageError: if both are equal.
    """
    if first == second:
        raise UsageError(f"{first}: given twice; needed: the folders of two jobs.")
    parts, others = first.split("/"), second.split("/")
    depth = 1
    while parts[-depth:] == others[-depth:]:
        depth += 1
    return "/".join(parts[-depth:]), "/".join(others[-depth:])


def default_folder(first: str, second: str) -> str:
    """Return the default output folder: next to the first job, named after both."""
    parent, _, name = first.rpartition("/")
    return f"{parent}/{name}-vs-{second.rpartition('/')[2]}"


_NO_SETTINGS = frozenset(("version", "name", "description", "output", "analysis"))
"""Sections that do not affect frames."""


def setting_differences(one: Manifest, other: Manifest) -> tuple[ChangedSetting, ...]:
    """Return the settings that differ between two resolved manifests, in manifest order."""
    both = (manifest.model_dump(mode="json", by_alias=True) for manifest in (one, other))
    first, second = ({key: data[key] for key in data if key not in _NO_SETTINGS} for data in both)
    return tuple(_differences("", first, second))


def require_comparable(labels: tuple[str, str], one: Manifest, other: Manifest) -> None:
    """Refuse jobs whose frames do not correspond.

    Raises:
        UsageError: if prompts or frame counts differ; the message lists the differences.
    """
    mismatches = [*_mismatches(labels, one, other)]
    if mismatches:
        raise UsageError(
            f"{labels[0]} and {labels[1]}: cannot be compared frame by frame: {'; '.join(mismatches)}. Compare jobs "
            "with equal prompts and frame count, such as one manifest rendered with different --set options."
        )


def _mismatches(labels: tuple[str, str], one: Manifest, other: Manifest) -> Iterator[str]:
    frames = one.animation.frame_count, other.animation.frame_count
    if frames[0] != frames[1]:
        yield f"{labels[0]} has {frames[0]} frames, {labels[1]} has {frames[1]}"
    prompts, others = _prompts(one), _prompts(other)
    if len(prompts) != len(others):
        yield f"{labels[0]} has {_count(prompts)}, {labels[1]} has {_count(others)}"
        return
    different = [number for number in range(len(prompts)) if prompts[number] != others[number]]
    if different:
        first = different[0]
        more = f" (and {len(different) - 1} more differ)" if len(different) > 1 else ""
        yield (
            f"prompt {first + 1} is {prompts[first]!r} in {labels[0]} and {others[first]!r} in {labels[1]}{more}"
        )


def _prompts(manifest: Manifest) -> list[str]:
    return [text for field, text in written_prompts(manifest) if field[0] == "animation"]


def _count(prompts: Sequence[str]) -> str:
    return "1 prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"


def _differences(field: str, one: Any, other: Any) -> Iterator[ChangedSetting]:
    if one == other or not (_is_set(one) or _is_set(other)):
        return
    parts, others = _parts(one), _parts(other)
    if parts is None or others is None:
        yield ChangedSetting(field=field, first=one, second=other)
        return
    for key in dict.fromkeys((*parts, *others)):
        yield from _differences(f"{field}.{key}" if field else key, parts.get(key), others.get(key))


def _is_set(value: Any) -> bool:
    return value is not None and value != {} and value != []


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return the members of a section or list of sections, empty if unset; None for a single value."""
    if isinstance(value, Mapping):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return {str(number): part for number, part in enumerate(value)}
    return {} if value is None else None


RESULT = "comparison.json"

ProgressHandler = Callable[[int, int], None]
"""Is called with the number of compared frames, and of all frames."""


def compare(
    one: str,
    other: str,
    *,
    clip: ClipSpec | None = None,
    output: str = "",
    on_progress: ProgressHandler = lambda *_: None,
) -> Comparison:
    """Compare the jobs in two folders, and write `comparison.json` and `side_by_side.png` to `output`.

    Without `clip`, CLIP scores come from the jobs' own analyses. The default `output` is a folder next to the first
    job.

    Raises:
        UsageError: if one is not a job's folder, or their prompts or frame counts differ.
        ManifestError: if the manifest of a job is invalid.
        ModelError: if the CLIP model cannot be loaded.
        StorageError: if they have no frame in common, or a file cannot be read or written.
    """
    pair = _Pair(open_finished(one), open_finished(other))
    scores = scores_now(clip) if clip else scores_measured(pair.first, pair.second)
    pair.measure(scores, on_progress)
    target = JobFolder(output or default_folder(*pair.paths))
    found = pair.comparison(scores, target)
    write_sheet(target, found, pair.first, pair.second, pair.distances.frames)
    target.write(RESULT, _text(found).encode())
    return found


class _Pair:
    """Two comparable jobs."""

    def __init__(self, first: FinishedJob, second: FinishedJob) -> None:
        self.first, self.second = first, second
        self.paths = first.folder.path("").rstrip("/"), second.folder.path("").rstrip("/")
        self.distances = Distances()
        self._labels = distinct_labels(*self.paths)
        require_comparable(self._labels, first.document.manifest, second.document.manifest)

    def measure(self, scores: ClipScores, on_progress: ProgressHandler) -> None:
        """Measure every common frame.

        Raises:
            StorageError: if they have no frame in common, or a file cannot be read.
        """
        self._one = JobMeasures(self._labels[0], self.paths[0], scores.first)
        self._other = JobMeasures(self._labels[1], self.paths[1], scores.second)
        planned = self.first.plan.frame_count
        for frame, both in enumerate(zip(frames_of(self.first), frames_of(self.second), strict=True)):
            match both:
                case LoadedFrame() as its, LoadedFrame() as others:
                    self._one.add(its)
                    self._other.add(others)
                    self.distances.add(frame, its.pixels, others.pixels)
            for measured, loaded in zip((self._one, self._other), both, strict=True):
                if isinstance(loaded, str):
                    measured.add_missing(frame, loaded)
            on_progress(frame + 1, planned)
        if not self.distances.frames:
            raise StorageError(
                f"{self._labels[0]} and {self._labels[1]}: no frames in common; farm inspect lists the "
                "missing frames of each."
            )

    def comparison(self, scores: ClipScores, target: JobFolder) -> Comparison:
        """Return the result of the comparison."""
        return Comparison(
            first=self._one.side,
            second=self._other.side,
            planned=self.first.plan.frame_count,
            compared=len(self.distances.frames),
            settings=setting_differences(self.first.document.manifest, self.second.document.manifest),
            clip=scores.model if self._one.scored and self._other.scored else "",
            rgb=self.distances.rgb,
            perceptual=self.distances.perceptual,
            remarks=tuple(self._remarks(scores)),
            folder=target.path("").rstrip("/"),
            files=(RESULT, NAME),
        )

    def _remarks(self, scores: ClipScores) -> Iterator[str]:
        """Yield warnings about the interpretation of the result."""
        one, other, compared = self._one, self._other, len(self.distances.frames)
        for measured in (one, other):
            if measured.is_rehearsal:
                yield f"{measured.side.label} is a rehearsal: its frames were drawn without its model."
        if one.side.devices != other.side.devices:
            where = " and ".join(", ".join(measured.side.devices) for measured in (one, other))
            yield f"The jobs were rendered on {where}, which also affects seconds per frame."
        if self.distances.size_mismatches:
            yield f"{self.distances.size_mismatches} of {compared} frames differ in size; distances cover the others."
        if scores.why:
            yield f"No CLIP scores: {scores.why}."
        elif not compared == one.scored == other.scored:
            yield (
                f"CLIP scores cover {one.scored} and {other.scored} of {compared} frames; --clip NAME measures all."
            )


def _text(found: Comparison) -> str:
    return json.dumps(dataclasses.asdict(found), indent=2, ensure_ascii=False) + "\n"


__all__ = ["Comparison", "Distance", "ChangedSetting", "Side", "compare", "find_clip", "format_setting"]
