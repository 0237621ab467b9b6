"""Storage errors: which ones are transient, how long they are retried, and the messages for the rest."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from farm.errors import StorageError, TooLarge

_T = TypeVar("_T")

_RETRY_SECONDS = 25.0
_MAX_WAIT_SECONDS = 4.0
_TRANSIENT_STATUS = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
"""409 is the answer to two simultaneous conditional writes, neither of which succeeded."""
_TRANSIENT_CLASSES = frozenset(
    (
        *("ConnectionError", "TimeoutError"),  # Python's own, and those of botocore and requests
        *("HTTPClientError", "ResponseParserError", "IncompleteReadError"),  # botocore
        *("ClientConnectionError", "ClientPayloadError"),  # aiohttp
        *("ServiceRequestError", "ServiceResponseError"),  # azure.core
    )
)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LOW_SPACE_BYTES = 64 * 2**20


def is_transient(error: BaseException) -> bool:
    """Return whether a remote store may soon accept a refused request.

    Errors of client libraries are recognized by class name, since none of the libraries need be installed.
    """
    if isinstance(error, TimeoutError):
        return True  # S3 reports one with status 400
    status = http_status(error)
    if status is not None:
        return status in _TRANSIENT_STATUS
    return any(kind.__name__ in _TRANSIENT_CLASSES for kind in type(error).__mro__)


def http_status(error: BaseException | None) -> int | None:
    """Return the HTTP status of an error from botocore, gcsfs, azure or aiohttp, or None if it has none."""
    while error is not None:
        response = getattr(error, "response", None)
        metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        names = ("status_code", "status", "code")
        for status in (metadata.get("HTTPStatusCode"), *(getattr(error, name, None) for name in names)):
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


class StorageRetries:
    """Retries an operation on a remote store for about 25 seconds while its errors are transient.

    After that, the store counts as down: each operation is tried once, until one of them succeeds.
    """

    def __init__(self) -> None:
        self._is_down = False

    def __call__(self, verb: str, path: str, operation: Callable[[], _T]) -> _T:
        """Return the result of `operation`; `verb` and `path` describe it in messages.

        Raises:
            StorageError: when the operation fails with any exception.
        """
        from tenacity import (
            Retrying,
            retry_if_exception,
            stop_after_attempt,
            stop_before_delay,
            wait_random_exponential,
        )

        attempts = Retrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.2, max=_MAX_WAIT_SECONDS),
            stop=stop_after_attempt(1) if self._is_down else stop_before_delay(_RETRY_SECONDS),
            reraise=True,
        )
        try:
            result = attempts(operation)
        except Exception as error:  # client libraries share no base class
            self._is_down = is_transient(error)
            raise StorageError(f"{path}: cannot {verb}: {_reason(error)}.{_advice(error)}") from error
        self._is_down = False
        return result


@contextlib.contextmanager
def disk_errors(verb: str, path: str, disk: Path) -> Iterator[None]:
    """Turn errors of a local disk into storage errors about `path`; free space is checked at `disk`.

    Raises:
        StorageError: for an OSError; `TooLarge` for a file beyond the size limit.
    """
    try:
        yield
    except OSError as error:
        kind = TooLarge if error.errno == errno.EFBIG else StorageError
        raise kind(f"{path}: cannot {verb}: {_reason(error)}.{_space_advice(error, disk)}") from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).strip().rstrip(".")


def _advice(error: Exception) -> str:
    if is_transient(error):
        return " Finished frames are kept; run again when the store is available."
    if (
        isinstance(error, PermissionError)
        or http_status(error) in (401, 403)
        or "Credentials" in type(error).__name__
    ):
        return " Check the credentials and their permissions."
    return ""


def _space_advice(error: OSError, disk: Path) -> str:
    existing = next((folder for folder in (disk, *disk.parents) if folder.is_dir()), Path())
    try:
        free = shutil.disk_usage(existing).free
    except OSError:  # removed meanwhile
        return ""
    if error.errno not in _DISK_FULL and free >= _LOW_SPACE_BYTES:
        return ""
    return f" {existing} has {free // 2**20} MiB free; free up space and run again."
