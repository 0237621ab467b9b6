"""Ctrl-C and SIGTERM, handled so that no finalizer can swallow them."""

from __future__ import annotations

import signal
from types import FrameType


class Interruption:
    """A request by the user to stop.

    The signal handler raises KeyboardInterrupt as usual. Python prints and discards an exception raised inside
    `__del__`, so `check` raises it again at the next event.
    """

    def __init__(self) -> None:
        self._requested = False

    def listen(self) -> None:
        """Handle SIGINT and SIGTERM from now on; earlier requests are forgotten."""
        self._requested = False
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def check(self) -> None:
        """Raise KeyboardInterrupt, once per request.

        Raises:
            KeyboardInterrupt: if the user has requested a stop.
        """
        if self._requested:
            self._requested = False
            raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        raise KeyboardInterrupt


interruption = Interruption()
"""The request of this process."""
