"""Even pacing: alphas of an interpolation, chosen so that consecutive frames differ equally to the eye.

A leg is the interpolation from one prompt to the next. Distances are measured between frames at known alphas; a step is
the distance between consecutive frames with perfectly even pacing.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import statistics
from collections.abc import Sequence

from farm.manifest import Manifest

Alphas = tuple[float, ...]

EVEN = 2.0
"""Distances are known accurately enough if no two neighbouring alphas are more than this many steps apart."""

_FINEST = 1e-6
"""Minimum difference of alphas; a change between closer ones is a jump, which takes one step."""
_DECIMALS = 7
_FLOOR = 1e-3
"""The share of the total distance that is spread evenly, so that every part gets frames."""
_ITERATIONS = 64


def initial_alphas(prompts: int, count: int) -> tuple[float, ...]:
    """Return the first `count` alphas to measure: every prompt, and evenly spaced alphas on each leg.

    `count` is at least `prompts`.
    """
    legs = prompts - 1
    chosen = [0.0]
    for leg, steps in enumerate(_shared([1.0] * legs, count - 1)):
        chosen += [round((leg + step / steps) / legs, _DECIMALS) for step in range(1, steps)]
        chosen.append((leg + 1) / legs)
    return tuple(chosen)


def refined_alphas(
    alphas: Sequence[float], distances: Sequence[float], *, frames: int, limit: int, batch_size: int = 1
) -> tuple[float, ...]:
    """Return up to `limit` alphas to measure next, evenly spaced in the largest gaps above `EVEN` steps.

    Their number is `limit` or a multiple of `batch_size`, the number of frames that cost as much as one: spare alphas
    go into the same gaps, so that jumps are located in fewer rounds.

    `distances[i]` is the distance between the frames at `alphas[i]` and `alphas[i + 1]`; `frames` is the number of
    frames of the job. Gaps are not divided more finely than 1e-6. An end that could not be measured is a gap like the
    others (see `even_alphas`).
    """
    alphas, distances = _to_both_ends(alphas, distances)
    gaps = list(itertools.pairwise(alphas))
    step = sum(_steady(gaps, distances, frames)) / max(1, frames - 1)
    parts = [1] * len(gaps)
    widest = [(-distance, gap) for gap, distance in enumerate(distances) if distance > EVEN * step]
    heapq.heapify(widest)
    count = 0
    while widest and count < limit and (count % batch_size or -widest[0][0] > EVEN * step):
        _, gap = heapq.heappop(widest)
        low, high = gaps[gap]
        if (high - low) / (parts[gap] + 1) >= _FINEST:
            parts[gap] += 1
            count += 1
            heapq.heappush(widest, (-distances[gap] / parts[gap], gap))
    return tuple(
        round(low + (high - low) * part / number, _DECIMALS)
        for (low, high), number in zip(gaps, parts, strict=True)
        for part in range(1, number)
    )


def even_alphas(
    alphas: Sequence[float], distances: Sequence[float], *, prompts: int, frames: int
) -> tuple[float, ...]:
    """Return the ascending alphas of `frames` evenly differing frames, given `distances` as in `refined_alphas`.

    The distance is assumed to grow linearly between measured alphas; beyond the first and the last one, up to 0 and 1,
    it is assumed to grow as fast as in the adjacent range of equal length. Every prompt has a frame of its own, since
    `frames` is at least `prompts`; legs get frames in proportion to their distance.
    """
    alphas, distances = _to_both_ends(alphas, distances)
    steady = _steady(list(itertools.pairwise(alphas)), distances, frames)
    travelled = [0.0, *itertools.accumulate(steady)]
    stops = [leg / (prompts - 1) for leg in range(prompts)]
    travelled_at_stops = [_at(alphas, travelled, stop) for stop in stops]
    legs = list(itertools.pairwise(travelled_at_stops))
    steps = _shared([high - low for low, high in legs], frames - 1)
    chosen = [0.0]
    for (low, high), stop, count in zip(legs, stops[1:], steps, strict=True):
        positions = (low + (high - low) * step / count for step in range(1, count))
        chosen += [round(_at(travelled, alphas, position), _DECIMALS) for position in positions]
        chosen.append(stop)
    return tuple(chosen)


def unevenness(distances: Sequence[float]) -> float:
    """Return the coefficient of variation: the standard deviation as a share of the mean; 0 if nothing changes."""
    mean = statistics.fmean(distances) if distances else 0.0
    return statistics.pstdev(distances) / mean if mean else 0.0


def _to_both_ends(
    alphas: Sequence[float], distances: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the measurements, extrapolated to alphas 0 and 1 if the frames at these failed.

    The adjacent range of equal length is a better estimate than the nearest gap, which may be a jump.
    """
    first, last = alphas[0], alphas[-1]
    travelled = [0.0, *itertools.accumulate(distances)]
    before, after = min(first, last - first), min(1 - last, last - first)
    extended, changes = list(alphas), list(distances)
    if first > 0:
        extended.insert(0, 0.0)
        changes.insert(0, _at(alphas, travelled, first + before) * first / before)
    if last < 1:
        extended.append(1.0)
        changes.append((travelled[-1] - _at(alphas, travelled, last - after)) * (1 - last) / after)
    return extended, changes


def _steady(gaps: Sequence[tuple[float, float]], distances: Sequence[float], frames: int) -> list[float]:
    """Return the distances that determine the number of frames: none zero, and at most one step for a jump.

    The length of a step depends on the share of the jumps, so it is determined by iteration.
    """
    total = math.fsum(distances) or 1.0
    raised = [
        distance + _FLOOR * total * (high - low)
        for distance, (low, high) in zip(distances, gaps, strict=True)
    ]
    room = [max(1.0, (high - low) / _FINEST) for low, high in gaps]
    steady = raised
    for _ in range(_ITERATIONS):
        step = math.fsum(steady) / max(1, frames - 1)
        steady = [min(distance, step * steps) for distance, steps in zip(raised, room, strict=True)]
    return steady


def _at(positions: Sequence[float], values: Sequence[float], position: float) -> float:
    """Interpolate linearly between `values` at ascending `positions`; `position` is not beyond them."""
    right = min(max(1, bisect.bisect_left(positions, position)), len(positions) - 1)
    low, high = positions[right - 1], positions[right]
    share = (position - low) / (high - low) if high > low else 0.0
    return values[right - 1] + share * (values[right] - values[right - 1])


def _shared(weights: Sequence[float], total: int) -> list[int]:
    """Divide `total` steps by weight, at least one each (largest remainder method)."""
    spare, total_weight = total - len(weights), math.fsum(weights)
    exact = [spare * weight / total_weight for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda leg: (counts[leg] - exact[leg], leg))
    for leg in by_remainder[: spare - sum(counts)]:
        counts[leg] += 1
    return [1 + count for count in counts]


def with_alphas(manifest: Manifest, alphas: Alphas) -> Manifest:
    """Return the manifest of an interpolation with explicit alphas."""
    animation = manifest.animation.model_copy(update={"alphas": alphas, "frames": len(alphas)})
    return manifest.model_copy(update={"animation": animation})
