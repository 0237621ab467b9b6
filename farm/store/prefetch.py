"""Many small reads from a remote store, several in flight at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, concurrency: int
) -> Iterator[_Result]:
    """Yield `function(item)` for each item, in order, computed up to `concurrency` ahead in as many threads."""
    if concurrency == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prefetch")
    pending: deque[Future[_Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) == concurrency:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
