"""From a manifest to recipes, chunks and shards: pure, without torch, ray or files."""

from typing import TYPE_CHECKING

from farm.callable_module import make_callable
from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.plan.compile import make_plan
    from farm.plan.plan import Plan
    from farm.plan.resume import Range, Why, chunks_to_render, judge
    from farm.plan.seeds import derive

import_lazily(__name__)

__all__ = ["Plan", "Range", "Why", "chunks_to_render", "derive", "judge", "make_plan"]

make_callable(__name__)  # farm.plan(...), of the Python API
