"""From a manifest to recipes, chunks and shards: pure, without torch, ray or files."""

from farm.plan.compile import make_plan
from farm.plan.plan import Plan
from farm.plan.resume import Range, Why, chunks_to_render, judge
from farm.plan.seeds import derive

__all__ = ["Plan", "Range", "Why", "chunks_to_render", "derive", "judge", "make_plan"]
