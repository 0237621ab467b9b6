"""A directory of one run that no other user can enter."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

_LONGEST_BASE = 21
"""Bytes: Ray's sockets lie 82 bytes further down, and the path of one has at most 103 (macOS) or 107 (Linux)."""


class PrivateFolder:
    """`path` is new and has mode 0700; `empty` below it holds nothing, for good, under a name that nobody can guess.

    It is made where RAY_TMPDIR or TMPDIR say, or in /tmp where that is too long a path for sockets. What a killed
    run leaves of it is of no use to anyone.
    """

    def __init__(self) -> None:
        base = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        if len(os.fsencode(base)) > _LONGEST_BASE:
            base = "/tmp"
        self.path = Path(tempfile.mkdtemp(prefix="farm-", dir=base))
        self.empty = self.path / secrets.token_hex(16)
        self.empty.mkdir(mode=0o500)

    def remove(self) -> None:
        """Remove it with all that is in it; nothing happens where it is gone already."""
        shutil.rmtree(self.path, ignore_errors=True)
