"""Numbers along an animation: easing curves, and linear interpolation between keyframes."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

EASINGS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "ease_in": lambda t: 1 - math.cos(t * math.pi / 2),
    "ease_out": lambda t: math.sin(t * math.pi / 2),
    "ease_in_out": lambda t: (1 - math.cos(t * math.pi)) / 2,
    "smoothstep": lambda t: t * t * (3 - 2 * t),
}
"""Easing curves: each maps [0, 1] onto [0, 1], with fixed ends."""


def ease(name: str, t: float) -> float:
    """Return the eased value of t in [0, 1]; the ends are exact for every curve."""
    return t if t in (0.0, 1.0) else EASINGS[name](t)


def even_keyframes(frame_count: int, key_count: int) -> tuple[int, ...]:
    """Return the frames of evenly spaced keyframes, including the first and last frame.

    Positions are rounded to integers; with enough frames, every keyframe has exactly one frame.
    """
    if key_count == 1:
        return (0,)
    return tuple(round(key * (frame_count - 1) / (key_count - 1)) for key in range(key_count))


def locate(keyframes: Sequence[int], frame: int) -> tuple[int, float]:
    """Return the segment of `frame` and the position in it: (k, t) with t in [0, 1).

    The result is (0, 0.0) up to the first keyframe, and (last segment, 1.0) from the last keyframe on.
    """
    if frame <= keyframes[0]:
        return 0, 0.0
    segment = bisect.bisect_right(keyframes, frame) - 1
    if segment >= len(keyframes) - 1:
        return len(keyframes) - 2, 1.0
    start, end = keyframes[segment], keyframes[segment + 1]
    return segment, (frame - start) / (end - start)


@dataclass(frozen=True, slots=True)
class KeyframeCurve:
    """A number per frame, linear between keyframes, constant before the first and after the last."""

    keyframes: tuple[int, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, value: float | Mapping[int, float]) -> KeyframeCurve:
        """Return the curve of a number or of a mapping from keyframes to numbers."""
        if isinstance(value, Mapping):
            frames = tuple(sorted(value))
            return cls(frames, tuple(float(value[frame]) for frame in frames))
        return cls((0,), (value,))

    @property
    def is_constant(self) -> bool:
        """Whether the number is the same for every frame."""
        return len(set(self.values)) == 1

    def at(self, frame: int) -> float:
        """Return the number at `frame`."""
        if len(self.keyframes) == 1 or frame <= self.keyframes[0]:
            return self.values[0]
        segment, t = locate(self.keyframes, frame)
        start, end = self.values[segment], self.values[segment + 1]
        return end if t == 1.0 else start + t * (end - start)
