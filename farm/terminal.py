"""Safe output to a terminal: control characters are printed as escapes, whoever writes them."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable
from typing import IO, Any, TextIO, cast

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


def guard_terminal() -> None:
    """Escape everything this process prints from now on, including characters missing from the terminal's encoding."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: TextIO) -> TextIO:
    if isinstance(stream, EscapingStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return cast(TextIO, EscapingStream(stream))


class LogStream(EscapingStream):
    """A text stream for a log that arrives in parts."""

    def write(self, text: str) -> int:
        """Write a part of a log, made readable."""
        super().write(readable_log(text))
        return len(text)


def readable_log(text: str) -> str:
    """Return a log without colour codes, with each carriage return as a line break."""
    return re.sub("\r\n?", "\n", _COLOUR.sub("", text))
