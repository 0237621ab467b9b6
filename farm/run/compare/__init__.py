"""Two jobs of the same prompts and frame count, compared: what their settings cost, and what they change.

compare(DIR_A, DIR_B) -> Comparison     and comparison.json and side_by_side.png in a folder of their own
"""

from __future__ import annotations

from farm.run.compare.clip_scores import find_clip
from farm.run.compare.compare import compare
from farm.run.compare.comparison import Comparison, Distance, Setting, Side, said

__all__ = ["Comparison", "Distance", "Setting", "Side", "compare", "find_clip", "said"]
