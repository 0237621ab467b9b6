"""What reaches a terminal: whoever writes it, characters that a terminal would obey are printed as escapes."""

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
    """A text stream that escapes what is not printable, line feeds and tabs excepted.

    It replaces standard output and standard error, so that logging, warnings, tracebacks and libraries write through
    it as well. `terminal` is the stream behind it, for a console that escapes by itself. Other rich consoles, such as
    that of typer's help, find `rich_proxied_file`, which lets colours pass and nothing else.
    """

    def __init__(self, stream: IO[str], *, colours: bool = False) -> None:
        self.terminal: IO[str] = getattr(stream, "rich_proxied_file", stream)
        self._stream = stream
        self._colours = colours

    def write(self, text: str) -> int:
        """Write a text, escaped."""
        if not isinstance(text, str):  # typer tries whether a stream takes bytes
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
        """Where rich's consoles write, which look for this name."""
        return EscapingStream(self.terminal, colours=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Terminal(Console):
    """Rich's console on standard error: its own codes pass, texts are escaped and never read as markup or emoji."""

    def __init__(self, file: TextIO | None = None, **options: Any) -> None:
        super().__init__(file=file, stderr=True, highlight=False, markup=False, emoji=False, **options)

    @property
    def file(self) -> IO[str]:
        """The stream behind the one that replaces standard error."""
        file = self._file or sys.stderr
        return getattr(file, "terminal", file)

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is to be printed, its texts escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, keep="\n\t"), style, control)


def guard_terminal() -> None:
    """Escape whatever this process prints from now on; what the terminal's encoding lacks is escaped as well."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: TextIO) -> TextIO:
    if isinstance(stream, EscapingStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return cast(TextIO, EscapingStream(stream))


@contextlib.contextmanager
def above_display(console: Console) -> Iterator[None]:
    """Print what others write to standard error in the body above the live display of a console."""
    proxy = FileProxy(console, console.file)
    with contextlib.redirect_stderr(cast(TextIO, EscapingStream(cast(IO[str], proxy)))):
        try:
            yield
        finally:
            proxy.flush()


class LogStream(EscapingStream):
    """A text stream that a log is copied to in parts."""

    def write(self, text: str) -> int:
        """Write a part of a log, readable."""
        super().write(readable_log(text))
        return len(text)


def readable_log(text: str) -> str:
    """Return a log without colours, and with what would overwrite its line on a line of its own."""
    return re.sub("\r\n?", "\n", _COLOUR.sub("", text))
