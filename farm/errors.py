"""The farm's errors. Each prints as it is: where, what was found, what is allowed, what to do next.

FarmError                   exit code 1
├── UsageError              exit code 2   the call is wrong
│   └── ManifestError       exit code 2   the manifest is wrong: carries every Problem at once
├── ModelError              exit code 1   a checkpoint cannot be found or loaded
├── RenderError             exit code 1   a loaded pipeline failed on a chunk
│   └── OutOfMemory         exit code 1   a model call needs more memory than the device has left
├── StorageError            exit code 1   a file cannot be read or written
│   ├── FolderTaken         exit code 1   another run has the job's folder
│   └── TooLarge            exit code 1   a file has more bytes than any of its kind
├── ClusterError            exit code 1   Ray cannot be reached, or no worker is left
└── Interrupted             exit code 130 the user stopped the run; finished frames are kept
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STOPPING = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a process because somebody wants it to. Any other BaseException is an error: native libraries raise some
that are no Exception."""


_PASSWORD = re.compile(r"(:/{1,2})[^\s/@:'\"]*:[^\s/@'\"]+@")
"""As in `s3://user:password@host`, and what is left of it as a path."""


class FarmError(Exception):
    """Any failure that the farm foresees; its text is meant for the user."""

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(masked(each) if isinstance(each, str) else each for each in arguments))


class UsageError(FarmError):
    """The command line or an argument is wrong."""

    exit_code = 2


class ModelError(FarmError):
    """A checkpoint, adapter or pipeline class cannot be found or loaded."""


class RenderError(FarmError):
    """A loaded pipeline failed, or returned pictures that are not pictures."""


class OutOfMemory(RenderError):
    """A model call needs more memory than the device has left."""


class StorageError(FarmError):
    """A file or folder cannot be read or written."""


class FolderTaken(StorageError):
    """Another run has the job's folder."""


class TooLarge(StorageError):
    """A file has more bytes than any of its kind, and is not read."""


class ClusterError(FarmError):
    """Ray cannot be started or reached, or every worker is gone."""


class Interrupted(FarmError):
    """The user stopped the run."""

    exit_code = 130


def printable(text: str, *, keep: str = "\n") -> str:
    """Return a text with escapes in the place of what a terminal would obey, or write from right to left."""
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def one_line(text: str) -> str:
    """Return a text as one printable line, so that none of it passes for a line of its own."""
    return printable(" ".join(text.split("\n")), keep="")


def masked(text: str) -> str:
    """Return a text with `***` in the place of a user and password in a URL."""
    return _PASSWORD.sub(r"\1***@", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a manifest.

    `where` is `file:line:column`; `path` the dotted field, empty for the document itself; `hint` what to do
    next, often a near match, or empty.
    """

    where: str
    path: str
    found: str
    allowed: str
    hint: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", masked(self.found))

    def __str__(self) -> str:
        subject = f"{self.where}: {self.path}: " if self.path else f"{self.where}: "
        hint = f" {self.hint}" if self.hint else ""
        return printable(f"{subject}{self.found}; {self.allowed}.{hint}", keep="")


class ManifestError(UsageError):
    """A manifest is refused; `problems` lists every mistake found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ManifestError], tuple[tuple[Problem, ...]]]:
        return ManifestError, (self.problems,)
