"""What is measured in two jobs, frame by frame; a few numbers are kept of each."""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Sequence

from farm.analyze import apart, sharpness
from farm.records import Pixels
from farm.run.compare.clip_scores import Score
from farm.run.compare.comparison import Distance, Side
from farm.run.compare.frames import Kept
from farm.run.tally import ranges_of


class Measured:
    """One job, in the frames that both have."""

    def __init__(self, label: str, folder: str, score: Score) -> None:
        self._label, self._folder, self._score = label, folder, score
        self._missing: dict[int, str] = {}
        self._devices: dict[str, None] = {}
        self._seconds, self._sharpness, self._scores = array("d"), array("d"), array("d")
        self.rehearsed = False

    def take(self, kept: Kept) -> None:
        """Measure a frame that the other job has, too."""
        self._devices[kept.row.device] = None
        self._seconds.append(kept.row.render_seconds)
        self._sharpness.append(sharpness(kept.pixels))
        score = self._score(kept.frame, kept.row, kept.pixels)
        if score is not None:
            self._scores.append(score)
        self.rehearsed |= kept.row.pipeline == "procedural"

    def lack(self, frame: int, reason: str) -> None:
        """Note that a frame is not there."""
        self._missing[frame] = reason

    @property
    def scored(self) -> int:
        """How many of the frames have a CLIP score."""
        return len(self._scores)

    @property
    def side(self) -> Side:
        """What was found; a frame at least was measured."""
        return Side(
            label=self._label,
            folder=self._folder,
            missing=ranges_of(sorted(self._missing.items())),
            devices=tuple(sorted(self._devices)),
            seconds_per_frame=statistics.median(self._seconds),
            clip_score=statistics.fmean(self._scores) if self._scores else None,
            sharpness=statistics.fmean(self._sharpness),
        )


class Distances:
    """How far both jobs are apart, in the frames that both have."""

    def __init__(self) -> None:
        self.frames = array("q")
        self._apart = array("q")
        self._rgb, self._perceptual = array("d"), array("d")

    def take(self, frame: int, first: Pixels, second: Pixels) -> None:
        """Measure a frame in both jobs."""
        self.frames.append(frame)
        found = apart(first, second)
        if found is not None:
            self._apart.append(frame)
            self._rgb.append(found.rgb)
            self._perceptual.append(found.perceptual)

    @property
    def unlike(self) -> int:
        """How many frames are of another size in the other job."""
        return len(self.frames) - len(self._apart)

    @property
    def rgb(self) -> Distance | None:
        """The distance in colour values."""
        return self._distance(self._rgb)

    @property
    def perceptual(self) -> Distance | None:
        """The distance to an eye."""
        return self._distance(self._perceptual)

    def _distance(self, values: Sequence[float]) -> Distance | None:
        if not values:
            return None
        largest = max(values)
        return Distance(mean=statistics.fmean(values), max=largest, frame=self._apart[values.index(largest)])
