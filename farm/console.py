"""The rich console on standard error, separate from `terminal` because importing rich takes time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.file_proxy import FileProxy
from rich.segment import Segment

from farm.errors import printable
from farm.terminal import EscapingStream


class Terminal(Console):
    """A rich console on standard error that escapes text and never interprets it as markup or emoji."""

    def __init__(self, file: TextIO | None = None, **options: Any) -> None:
        super().__init__(file=file, stderr=True, highlight=False, markup=False, emoji=False, **options)

    @property
    def file(self) -> IO[str]:
        """The stream behind the replaced standard error."""
        file = self._file or sys.stderr
        return getattr(file, "terminal", file)

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments to print, with text escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, keep="\n\t"), style, control)


@contextlib.contextmanager
def above_display(console: Console) -> Iterator[None]:
    """Print anything written to standard error in the body above the live display of a console."""
    proxy = FileProxy(console, console.file)
    with contextlib.redirect_stderr(cast(TextIO, EscapingStream(cast(IO[str], proxy)))):
        try:
            yield
        finally:
            proxy.flush()


errors = Terminal()
"""For progress, warnings and errors."""
