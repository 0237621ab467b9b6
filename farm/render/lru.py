"""What was computed last, by what it was computed from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any


class Remembered:
    """Keeps the results that were last asked for, of up to `capacity` together: each counts 1, or what it weighs.

    The last one stays whatever it weighs.
    """

    def __init__(self, capacity: int, weigh: Callable[[Any], int] = lambda _: 1) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._weight = 0
        self._known: OrderedDict[Hashable, Any] = OrderedDict()

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()
        self._weight = 0

    def get(self, key: Hashable | None, compute: Callable[[], Any]) -> Any:
        """Return the result of `key`, computed if it is not known; one without a key is computed each time."""
        if key is None:
            return compute()
        if key not in self._known:
            result = self._known[key] = compute()
            self._weight += self._weigh(result)
            while self._weight > self._capacity and len(self._known) > 1:
                self._weight -= self._weigh(self._known.popitem(last=False)[1])
        self._known.move_to_end(key)
        return self._known[key]


def key_of(arguments: Mapping[str, Any]) -> Hashable | None:
    """Return a key of a call's arguments, or None where one of them has no value to compare, such as a tensor."""
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
    raise TypeError(f"{type(value).__name__} cannot be told from another")
