"""A lock on a local file that other processes and threads respect, by flock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from farm.store.directory import Directory

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK


@contextlib.contextmanager
def locked(directory: Directory, target: str) -> Iterator[None]:
    """Keep other processes and threads out, where the file system can; the lock's file is gone at the end."""
    name = f"{target}.lock"
    while True:
        with os.fdopen(directory.open_file(name, _FLAGS), "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            if not _is_at(lock.fileno(), directory, name):
                continue  # who held the lock before has removed it: it keeps nobody out any more
            try:
                yield
            finally:
                directory.remove(name)
            return


def _is_at(handle: int, directory: Directory, name: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), directory.status(name))
    except FileNotFoundError:
        return False
