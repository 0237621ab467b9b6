"""What can go wrong in a store: which faults pass, how long that is waited for, and how the rest is told."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from farm.errors import StorageError, TooLarge

_T = TypeVar("_T")

_PATIENCE_SECONDS = 25.0
_LONGEST_WAIT_SECONDS = 4.0
_PASSING_STATUS = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
"""409 is the answer to two conditional writes at the same time, neither of which was done."""
_PASSING_CLASSES = frozenset(
    (
        *("ConnectionError", "TimeoutError"),  # Python's own, and botocore's and requests' of the same name
        *("HTTPClientError", "ResponseParserError", "IncompleteReadError"),  # botocore
        *("ClientConnectionError", "ClientPayloadError"),  # aiohttp
        *("ServiceRequestError", "ServiceResponseError"),  # azure.core
    )
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LITTLE_BYTES = 64 * 2**20


def passes(error: BaseException) -> bool:
    """Tell whether a remote store may do in a moment what it refused now.

    Its libraries are known by the names of their classes, as none of them need be installed.
    """
    if isinstance(error, TimeoutError):
        return True  # S3 tells one with status 400
    status = status_of(error)
    if status is not None:
        return status in _PASSING_STATUS
    return any(kind.__name__ in _PASSING_CLASSES for kind in type(error).__mro__)


def status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status that a store's library met, if it says so: botocore's, gcsfs', azure's, aiohttp's."""
    while error is not None:
        response = getattr(error, "response", None)
        found = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        names = ("status_code", "status", "code")
        for status in (found.get("HTTPStatusCode"), *(getattr(error, name, None) for name in names)):
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


class Patience:
    """Tries an operation of a remote store again while its fault may pass, for about 25 seconds.

    When that was in vain the store counts as down: what follows is tried once, until something works again.
    """

    def __init__(self) -> None:
        self._down = False

    def __call__(self, verb: str, path: str, operation: Callable[[], _T]) -> _T:
        """Return what `operation` returns.

        Raises:
            StorageError: in place of whatever it raises; `verb` and `path` say of what.
        """
        tries = Retrying(
            retry=retry_if_exception(passes),
            wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_WAIT_SECONDS),
            stop=stop_after_attempt(1) if self._down else stop_before_delay(_PATIENCE_SECONDS),
            reraise=True,
        )
        try:
            result = tries(operation)
        except Exception as error:  # the libraries of stores share no class
            self._down = passes(error)
            raise StorageError(f"{path}: cannot {verb}: {_said(error)}.{_advice(error)}") from error
        self._down = False
        return result


@contextlib.contextmanager
def disk_errors(verb: str, path: str, place: Path) -> Iterator[None]:
    """Tell the errors of a local disk as of `path`; `place` is where the room was needed.

    Raises:
        StorageError: in place of an OSError; `TooLarge` where there is more than may be read or written.
    """
    try:
        yield
    except OSError as error:
        kind = TooLarge if error.errno == errno.EFBIG else StorageError
        raise kind(f"{path}: cannot {verb}: {_said(error)}.{_room(error, place)}") from error


def _said(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).strip().rstrip(".")


def _advice(error: Exception) -> str:
    if passes(error):
        return " Finished frames are kept: run again when the store answers."
    if (
        isinstance(error, PermissionError)
        or status_of(error) in (401, 403)
        or "Credentials" in type(error).__name__
    ):
        return " Check the credentials, and what they may do there."
    return ""


def _room(error: OSError, place: Path) -> str:
    there = next((folder for folder in (place, *place.parents) if folder.is_dir()), Path())
    try:
        free = shutil.disk_usage(there).free
    except OSError:  # it went meanwhile
        return ""
    if error.errno not in _FULL and free >= _LITTLE_BYTES:
        return ""
    return f" {free // 2**20} MiB are free in {there}; make room and run again."
