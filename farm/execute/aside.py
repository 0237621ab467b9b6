"""Work beside rendering, such as measuring finished frames: calls that wait for their result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Aside(Protocol):
    """Calls functions where no renderer waits for them."""

    @property
    def at_once(self) -> int:
        """How many calls from different threads run at a time."""

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`; both pickle, and it may be called twice.

        Raises:
            FarmError: what the function raises, or that the process that calls it died or gave no answer.
        """


class Here:
    """In this process, in the thread that asks. A call that hangs cannot be ended: its thread waits for ever."""

    at_once = 1

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`."""
        return function(*arguments)
