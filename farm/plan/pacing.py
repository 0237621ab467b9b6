"""Places along a way, chosen so that successive frames differ evenly in what is seen."""

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
"""A way is known well enough where no two neighbours that were looked at are more than so many steps apart."""

_FINEST = 1e-6
"""Alphas nearer to each other are not told apart: a change between them is a jump, which takes one step."""
_DECIMALS = 7
_FLOOR = 1e-3
"""The share of what is seen to change that is spread evenly over the way, so that none of it is left out wholly."""
_SETTLED = 64


def first_look(prompts: int, count: int) -> tuple[float, ...]:
    """Return `count` alphas that are looked at first: every prompt, and evenly between each two of `prompts`.

    `count` is at least `prompts`.
    """
    legs = prompts - 1
    chosen = [0.0]
    for leg, steps in enumerate(_shared([1.0] * legs, count - 1)):
        chosen += [round((leg + step / steps) / legs, _DECIMALS) for step in range(1, steps)]
        chosen.append((leg + 1) / legs)
    return tuple(chosen)


def closer_look(
    alphas: Sequence[float], distances: Sequence[float], *, frames: int, most: int, together: int = 1
) -> tuple[float, ...]:
    """Return up to `most` alphas to look at next, evenly within gaps: those of the widest parts, while not `EVEN`.

    Their number is a multiple of `together`, as many as are looked at for the cost of one, unless it is `most`: those
    that are left over go into the same gaps, which are found to hold jumps in fewer looks then.

    `distances[i]` is what is seen to change from `alphas[i]` to `alphas[i + 1]`. A step is what each of `frames` frames
    would differ from the one before it by, were all even. Gaps that would be parted finer than 1e-6 are left. An end
    that could not be looked at is a gap like the others (see `even_alphas`).
    """
    alphas, distances = _to_both_ends(alphas, distances)
    gaps = list(itertools.pairwise(alphas))
    step = sum(_steady(gaps, distances, frames)) / max(1, frames - 1)
    parts = [1] * len(gaps)
    widest = [(-distance, gap) for gap, distance in enumerate(distances) if distance > EVEN * step]
    heapq.heapify(widest)
    found = 0
    while widest and found < most and (found % together or -widest[0][0] > EVEN * step):
        _, gap = heapq.heappop(widest)
        low, high = gaps[gap]
        if (high - low) / (parts[gap] + 1) >= _FINEST:
            parts[gap] += 1
            found += 1
            heapq.heappush(widest, (-distances[gap] / parts[gap], gap))
    return tuple(
        round(low + (high - low) * part / count, _DECIMALS)
        for (low, high), count in zip(gaps, parts, strict=True)
        for part in range(1, count)
    )


def even_alphas(
    alphas: Sequence[float], distances: Sequence[float], *, prompts: int, frames: int
) -> tuple[float, ...]:
    """Return the rising alphas of `frames` frames that differ evenly, as far as `distances` tell (see `closer_look`).

    What is seen is taken to change evenly between two alphas that were looked at, and beyond the first and the last, up
    to 0 and 1, as much as in a stretch as long beside it. Every prompt has a frame of its own, since `frames` are at
    least `prompts`: legs from prompt to prompt get frames by what changes in them.
    """
    alphas, distances = _to_both_ends(alphas, distances)
    steady = _steady(list(itertools.pairwise(alphas)), distances, frames)
    travelled = [0.0, *itertools.accumulate(steady)]
    stops = [leg / (prompts - 1) for leg in range(prompts)]
    seen = [_at(alphas, travelled, stop) for stop in stops]
    steps = _shared([high - low for low, high in itertools.pairwise(seen)], frames - 1)
    chosen = [0.0]
    for (low, high), stop, count in zip(itertools.pairwise(seen), stops[1:], steps, strict=True):
        places = (low + (high - low) * step / count for step in range(1, count))
        chosen += [round(_at(travelled, alphas, place), _DECIMALS) for place in places]
        chosen.append(stop)
    return tuple(chosen)


def unevenness(distances: Sequence[float]) -> float:
    """Return the coefficient of variation: the standard deviation as a share of the mean; 0 if nothing changes."""
    mean = statistics.fmean(distances) if distances else 0.0
    return statistics.pstdev(distances) / mean if mean else 0.0


def _to_both_ends(
    alphas: Sequence[float], distances: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return what was looked at with the ends of the way, where frames failed there: what lies beyond is guessed.

    A stretch as long beside it tells more than the nearest gap, which may be a jump: that has no pace to go on with.
    """
    first, last = alphas[0], alphas[-1]
    travelled = [0.0, *itertools.accumulate(distances)]
    before, after = min(first, last - first), min(1 - last, last - first)
    places, changes = list(alphas), list(distances)
    if first > 0:
        places.insert(0, 0.0)
        changes.insert(0, _at(alphas, travelled, first + before) * first / before)
    if last < 1:
        places.append(1.0)
        changes.append((travelled[-1] - _at(alphas, travelled, last - after)) * (1 - last) / after)
    return places, changes


def _steady(gaps: Sequence[tuple[float, float]], distances: Sequence[float], frames: int) -> list[float]:
    """Return the distances by which frames are shared out: none zero, and of a jump no more than a step.

    How long a step is depends on how much the jumps take of it: it is found by repetition.
    """
    whole = math.fsum(distances) or 1.0
    given = [
        distance + _FLOOR * whole * (high - low)
        for distance, (low, high) in zip(distances, gaps, strict=True)
    ]
    room = [max(1.0, (high - low) / _FINEST) for low, high in gaps]
    steady = given
    for _ in range(_SETTLED):
        step = math.fsum(steady) / max(1, frames - 1)
        steady = [min(distance, step * steps) for distance, steps in zip(given, room, strict=True)]
    return steady


def _at(places: Sequence[float], values: Sequence[float], place: float) -> float:
    """Interpolate `values`, given at rising `places`, linearly; `place` is none beyond them."""
    right = min(max(1, bisect.bisect_left(places, place)), len(places) - 1)
    low, high = places[right - 1], places[right]
    share = (place - low) / (high - low) if high > low else 0.0
    return values[right - 1] + share * (values[right] - values[right - 1])


def _shared(weights: Sequence[float], total: int) -> list[int]:
    """Share `total` steps out by weights, at least one to each (largest remainders)."""
    spare, whole = total - len(weights), math.fsum(weights)
    exact = [spare * weight / whole for weight in weights]
    counts = [int(share) for share in exact]
    by_rest = sorted(range(len(weights)), key=lambda leg: (counts[leg] - exact[leg], leg))
    for leg in by_rest[: spare - sum(counts)]:
        counts[leg] += 1
    return [1 + count for count in counts]


def with_alphas(manifest: Manifest, alphas: Alphas) -> Manifest:
    """Return a manifest of an interpolation with listed alphas."""
    listed = manifest.animation.model_copy(update={"alphas": alphas, "frames": len(alphas)})
    return manifest.model_copy(update={"animation": listed})
