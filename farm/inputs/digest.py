"""Digests of files."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from pathlib import Path


def content_sha256(file: Path) -> str:
    """Return the SHA-256 of a file, cached in this process while the file's size and times are unchanged.

    Raises:
        OSError: when it cannot be read, or is not a regular file.
    """
    status = stat_of_file(file)
    return _digest(file, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def stat_of_file(file: Path) -> os.stat_result:
    """Return the status of a regular file.

    Raises:
        OSError: when it is missing, or is a folder, device or pipe, which might block a reader.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status


@functools.lru_cache(maxsize=4096)
def _digest(file: Path, _size: int, _modified: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
