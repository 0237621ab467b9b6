"""A cache of computed results that drops the least recently used ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import cachetools


class ResultCache:
    """Keeps the most recently used results, up to a total of `capacity`: each counts 1, or its `size`.

    A single result larger than the capacity is kept alone.
    """

    def __init__(self, capacity: int, size: Callable[[Any], int] = lambda _: 1) -> None:
        self._results: cachetools.LRUCache[Hashable, Any] = cachetools.LRUCache(
            capacity, lambda result: min(size(result), capacity)
        )

    def clear(self) -> None:
        """Drop all results."""
        self._results.clear()

    def get(self, key: Hashable | None, compute: Callable[[], Any]) -> Any:
        """Return the result of `key`, computed if it is not cached; without a key it is always computed."""
        if key is None:
            return compute()
        if key not in self._results:
            self._results[key] = compute()
        return self._results[key]


def call_key(arguments: Mapping[str, Any]) -> Hashable | None:
    """Return a key of a call's arguments, or None if one is not comparable by value, such as a tensor."""
    try:
        return tuple(sorted((name, _frozen(value)) for name, value in arguments.items()))
    except TypeError:
        return None


def _frozen(value: Any) -> str:
    if value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_frozen, value))}]"
    if isinstance(value, Mapping):
        return _frozen([_frozen(item) for item in sorted(value.items())])
    if type(value).__name__ in ("device", "dtype"):
        return str(value)
    raise TypeError(f"values of {type(value).__name__} cannot be compared")
