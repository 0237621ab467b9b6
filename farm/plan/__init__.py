"""From a manifest to recipes, chunks and shards; pure, without torch, ray or files."""

from typing import TYPE_CHECKING

from farm.callable_module import make_callable
from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.plan.compile import make_plan
    from farm.plan.plan import Plan
    from farm.plan.resume import Range, chunks_to_render, ranges_by_reason
    from farm.plan.seeds import derive

import_lazily(__name__)

__all__ = ["Plan", "Range", "chunks_to_render", "derive", "make_plan", "ranges_by_reason"]

make_callable(__name__)  # farm.plan(...), of the Python API
