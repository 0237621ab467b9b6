"""A lock on a local file that other processes and threads respect, by flock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep other processes and threads out, where the file system can; the lock's file is gone at the end."""
    path = Path(f"{target}.lock")
    while True:
        with open(path, "ab", opener=_no_link) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            if not _is_at(lock.fileno(), path):
                continue  # who held the lock before has removed it: it keeps nobody out any more
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
