"""A curve as text: bars of block elements, eight heights to a line."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"


def plot(values: Sequence[float | None], *, width: int, height: int) -> list[str]:
    """Return lines of at most `width` letters: an axis from 0 to the largest value, bars, and the numbers of both ends.

    Values are 0 or more. Neighbours share a bar, that of the largest of them, where there are more than fit, so that no
    peak is lost; fewer are drawn wider. Where there is none the place stays empty, and what is 0 is still seen.
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    top = max(known)
    label = f"{top:.3g}"
    room = width - len(label) - 2
    bars = _bars(values, room)
    eighths = [_eighths(value, top, 8 * height) for value in bars]
    lines = []
    for line in range(height - 1, -1, -1):
        axis = f"{label} ┤" if line == height - 1 else f"{'0'.rjust(len(label))} ┤" if not line else ""
        cells = (_BARS[min(8, max(0, each - 8 * line))] for each in eighths)
        lines.append(f"{axis or ' ' * len(label) + ' │'}{''.join(cells)}".rstrip())
    ends = f"0{str(len(values) - 1).rjust(len(bars) - 1)}" if len(values) > 1 else "0"
    return [*lines, " " * (len(label) + 2) + ends]


def _bars(values: Sequence[float | None], room: int) -> list[float | None]:
    if len(values) <= room:
        return [value for value in values for _ in range(room // len(values))]
    edges = [place * len(values) // room for place in range(room + 1)]
    groups = (values[start:stop] for start, stop in itertools.pairwise(edges))
    return [max((value for value in group if value is not None), default=None) for group in groups]


def _eighths(value: float | None, top: float, full: int) -> int:
    if value is None:
        return 0
    return max(1, round(full * value / top)) if top else 1
