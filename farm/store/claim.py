"""One run per output folder: a claim that other runs respect, and that outlives no run for long."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
import uuid
from pathlib import Path
from typing import Self

from farm.errors import StorageError
from farm.store.folder import JobFolder

_NAME = ".farm/claim.json"
_BEAT_SECONDS = 10.0
_DEAD_SECONDS = 60.0
"""A claim from another machine counts as dead when it was not renewed for so long."""


class Claim:
    """Held by a run from `take` to `release`, and renewed every ten seconds in between.

    A claim whose process is gone (on this machine), or that was not renewed for a minute (on another one), is
    taken over.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._id = uuid.uuid4().hex
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="claim", daemon=True)

    def take(self) -> Self:
        """Claim the folder.

        Raises:
            StorageError: when another run holds it, or it cannot be written.
        """
        if not self._folder.create(_NAME, self._content()):
            self._refuse_if_alive()
            self._folder.remove(_NAME)
            if not self._folder.create(_NAME, self._content()):
                self._refuse_if_alive()
        self._heart.start()
        return self

    def release(self) -> None:
        """Give the folder free, unless another run has taken it over."""
        self._released.set()
        self._heart.join()
        with contextlib.suppress(StorageError):
            if self._mine():
                self._folder.remove(_NAME)

    def _refuse_if_alive(self) -> None:
        holder = self._holder()
        if holder is not None and _alive(holder):
            raise StorageError(
                f"{self._folder.path('').rstrip('/')}: another run is rendering into this folder (process "
                f"{holder.get('pid')} on {holder.get('host')}); wait for it, stop it, or choose another --output-dir."
            )

    def _beat(self) -> None:
        while not self._released.wait(_BEAT_SECONDS):
            with contextlib.suppress(StorageError):
                if self._mine():
                    self._folder.write(_NAME, self._content())

    def _mine(self) -> bool:
        holder = self._holder()
        return holder is not None and holder.get("id") == self._id

    def _holder(self) -> dict[str, object] | None:
        try:
            found = json.loads(self._folder.read(_NAME))
        except (StorageError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _content(self) -> bytes:
        holder = {
            "id": self._id,
            "host": platform.node(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "renewed": time.time(),
        }
        return json.dumps(holder).encode()


def _alive(holder: dict[str, object]) -> bool:
    if holder.get("host") == platform.node():
        pid = holder.get("pid")
        return isinstance(pid, int) and _born(pid) == holder.get("born") and _runs(pid)
    renewed = holder.get("renewed")
    return isinstance(renewed, (int, float)) and time.time() - renewed < _DEAD_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _born(pid: int) -> str:
    """Tell a process from a later one of the same number: its start time where /proc tells it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
