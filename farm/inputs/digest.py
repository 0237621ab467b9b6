"""What a file holds, as a digest."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from pathlib import Path


def content_sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, which are read once in a process as long as its size and times stay.

    Raises:
        OSError: when it cannot be read, or is no file.
    """
    found = stat_of_file(file)
    return _digest(file, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def stat_of_file(file: Path) -> os.stat_result:
    """Return what the system knows of a file.

    Raises:
        OSError: when there is none, or a folder, a device, or a pipe, which would be waited for.
    """
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return found


@functools.lru_cache(maxsize=4096)
def _digest(file: Path, _size: int, _modified: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
