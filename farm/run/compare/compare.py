"""Compares two jobs frame by frame. Both stay as they are; what comes of it goes into a folder of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator

from farm.errors import StorageError
from farm.records import ClipSpec
from farm.run.compare import sheet
from farm.run.compare.clip_scores import ClipScores, scores_measured, scores_now
from farm.run.compare.comparison import Comparison
from farm.run.compare.frames import Kept, frames_of
from farm.run.compare.labels import beside, told_apart
from farm.run.compare.measured import Distances, Measured
from farm.run.compare.settings import differing, refuse_unlike
from farm.run.finished.rendered import Rendered, read_rendered
from farm.store import JobFolder

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
    pair = _Pair(read_rendered(one), read_rendered(other))
    scores = scores_now(clip) if clip else scores_measured(pair.first, pair.second)
    pair.measure(scores, tell)
    target = JobFolder(output or beside(*pair.paths))
    found = pair.comparison(scores, target)
    sheet.write_sheet(target, found, pair.first, pair.second, pair.distances.frames)
    target.write(RESULT, _text(found).encode())
    return found


class _Pair:
    """Two jobs that may be compared."""

    def __init__(self, first: Rendered, second: Rendered) -> None:
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
            files=(RESULT, sheet.NAME),
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
