"""Ctrl-C and SIGTERM, in a way that no finalizer can swallow."""

from __future__ import annotations

import signal
from types import FrameType


class Interruption:
    """Remembers that the user wants to stop.

    The handler raises KeyboardInterrupt, as usual; but one that is raised while Python runs a `__del__` is printed
    and forgotten, so `check` raises it again at the next event.
    """

    def __init__(self) -> None:
        self._wanted = False

    def listen(self) -> None:
        """Answer SIGINT and SIGTERM from now on."""
        signal.signal(signal.SIGINT, self._answer)
        signal.signal(signal.SIGTERM, self._answer)

    def check(self) -> None:
        """Raise KeyboardInterrupt, once, if the user has asked to stop.

        Raises:
            KeyboardInterrupt: for the user.
        """
        if self._wanted:
            self._wanted = False
            raise KeyboardInterrupt

    def _answer(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted = True
        raise KeyboardInterrupt


interruption = Interruption()
"""That of this process."""
