"""The farm's errors. Each message is complete: where, what was found, what is allowed, what to do next.

FarmError                   exit code 1
├── UsageError              exit code 2   a command line or argument is wrong
│   └── ManifestError       exit code 2   the manifest is wrong; carries every Problem found
├── ModelError              exit code 1   a checkpoint cannot be found or loaded
├── RenderError             exit code 1   a loaded pipeline failed on a chunk
│   └── OutOfMemory         exit code 1   a model call needs more memory than the device has left
├── StorageError            exit code 1   a file or folder cannot be read or written
│   ├── FolderTaken         exit code 1   another run has taken over the job's folder
│   └── TooLarge            exit code 1   a file exceeds the size limit of its kind
├── ClusterError            exit code 1   Ray cannot be started or reached, or no worker is left
└── Interrupted             exit code 130 the user stopped the run; finished frames are kept
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

STOPPING = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""Exceptions that end a process on request. Any other BaseException is an error: native libraries raise some that are
not an Exception."""

_PASSWORD = re.compile(r"(:/{1,2})[^\s/@:'\"]*:[^\s/@'\"]+@")
"""Credentials as in `s3://user:password@host`, also where a path has collapsed the slashes."""


class FarmError(Exception):
    """Any expected failure; its message is written for the user."""

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(masked(each) if isinstance(each, str) else each for each in arguments))


class UsageError(FarmError):
    """A command line or argument is wrong."""

    exit_code = 2


class ModelError(FarmError):
    """A checkpoint, adapter or pipeline class cannot be found or loaded."""


class RenderError(FarmError):
    """A loaded pipeline failed on a chunk, or returned unusable images."""


class OutOfMemory(RenderError):
    """A model call needs more memory than the device has left."""


class StorageError(FarmError):
    """A file or folder cannot be read or written."""


class FolderTaken(StorageError):
    """Another run has taken over the job's folder."""


class TooLarge(StorageError):
    """A file exceeds the size limit of its kind and is not read."""


class ClusterError(FarmError):
    """Ray cannot be started or reached, or no worker is left."""


class Interrupted(FarmError):
    """The user stopped the run; finished frames are kept."""

    exit_code = 130


def printable(text: str, *, keep: str = "\n") -> str:
    """Return a text whose control and bidirectional characters are escaped, except those in `keep`."""
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def one_line(text: str) -> str:
    """Return a text as one printable line."""
    return printable(" ".join(text.split("\n")), keep="")


def masked(text: str) -> str:
    """Return a text in which `***` replaces the user and password of URLs."""
    return _PASSWORD.sub(r"\1***@", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a manifest.

    `where` is `file:line:column`, `path` the dotted field (empty for the document itself), and `hint` what to do next,
    often a near match (or empty).
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
    """A manifest is wrong; `problems` lists every mistake found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ManifestError], tuple[tuple[Problem, ...]]]:
        return ManifestError, (self.problems,)


_MAX_CHARACTERS = 500
"""Maximum length of an unexpected error's message, which may quote the data it failed on."""

_logger = logging.getLogger(__name__)


def as_farm_error(error: BaseException) -> FarmError:
    """Return a FarmError unchanged; log any other error with its traceback, and wrap it in a FarmError.

    Raises:
        BaseException: `error` itself, if it is a request to end the process (`STOPPING`).
    """
    if isinstance(error, STOPPING):
        raise error
    if isinstance(error, FarmError):
        return error
    _logger.error("unexpected error", exc_info=error)
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    return FarmError(message if len(message) <= _MAX_CHARACTERS else f"{message[:_MAX_CHARACTERS]}...")


@contextlib.contextmanager
def best_effort() -> Iterator[None]:
    """Suppress errors in the body; log all but FarmErrors.

    Raises:
        BaseException: a request to end the process (`STOPPING`).
    """
    try:
        yield
    except BaseException as error:
        as_farm_error(error)


def refusal(path: Path, error: BaseException) -> ManifestError:
    """Return the ManifestError that reports an error in the preparation of a manifest.

    Raises:
        BaseException: `error` itself, if it is a request to end the process (`STOPPING`).
    """
    if isinstance(error, ManifestError):
        return error
    if isinstance(error, FarmError):
        return preparation_error(path, str(error).rstrip("."))
    if isinstance(error, MemoryError):
        return preparation_error(path, "not enough memory to prepare it")
    unexpected = as_farm_error(error)
    hint = "The log has its traceback; please report it."
    return preparation_error(path, f"unexpected error: {unexpected}", hint)


def preparation_error(path: Path, found: str, hint: str = "") -> ManifestError:
    """Return the ManifestError of a manifest that cannot be prepared because of `found`."""
    allowed = "needed: a manifest that can be prepared for rendering"
    return ManifestError([Problem(where=str(path), path="", found=found, allowed=allowed, hint=hint)])
