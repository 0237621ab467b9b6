"""Safe output to a terminal: control characters are printed as escapes, whoever writes them."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.file_proxy import FileProxy
from rich.segment import Segment

from farm.errors import printable

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class EscapingStream:
    """A text stream that escapes unprintable characters except line feeds and tabs.

    It replaces standard output and standard error, so that logging, warnings, tracebacks and libraries write through
    it too. `terminal` is the underlying stream, for consoles that escape by themselves. Other rich consoles, such as
    the one behind typer's help, use `rich_proxied_file`, which lets colour codes through.
    """

    def __init__(self, stream: IO[str], *, colours: bool = False) -> None:
        self.terminal: IO[str] = getattr(stream, "rich_proxied_file", stream)
        self._stream = stream
        self._colours = colours

    def write(self, text: str) -> int:
        """Write a text, escaped."""
        if not isinstance(text, str):  # typer probes whether a stream accepts bytes
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        parts = _COLOUR.split(text) if self._colours else [text]
        is_kept = _COLOUR.fullmatch if self._colours else lambda _: None
        self._stream.write("".join(part if is_kept(part) else printable(part, keep="\n\t") for part in parts))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, escaped."""
        for line in lines:
            self.write(line)

    @property
    def rich_proxied_file(self) -> EscapingStream:
        """The stream that rich consoles write to; they look it up by this name."""
        return EscapingStream(self.terminal, colours=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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


def guard_terminal() -> None:
    """Escape everything this process prints from now on, including characters missing from the terminal's encoding."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: TextIO) -> TextIO:
    if isinstance(stream, EscapingStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return cast(TextIO, EscapingStream(stream))


@contextlib.contextmanager
def above_display(console: Console) -> Iterator[None]:
    """Print anything written to standard error in the body above the live display of a console."""
    proxy = FileProxy(console, console.file)
    with contextlib.redirect_stderr(cast(TextIO, EscapingStream(cast(IO[str], proxy)))):
        try:
            yield
        finally:
            proxy.flush()


class LogStream(EscapingStream):
    """A text stream for a log that arrives in parts."""

    def write(self, text: str) -> int:
        """Write a part of a log, made readable."""
        super().write(readable_log(text))
        return len(text)


def readable_log(text: str) -> str:
    """Return a log without colour codes, with each carriage return as a line break."""
    return re.sub("\r\n?", "\n", _COLOUR.sub("", text))
