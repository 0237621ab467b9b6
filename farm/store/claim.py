"""One run per output folder: a claim that other runs respect, and that outlives no run for long."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Self

from farm.errors import StorageError
from farm.store.folder import JobFolder

_NAME = ".farm/claim.json"
_BEAT_SECONDS = 10.0
_DEAD_SECONDS = 60.0
"""A claim from another machine counts as dead when it was not renewed for so long."""
_TRIES = 5
_HELD: set[str] = set()
"""The claims of this process: one that it could not remove, as the store was down, holds up none of its own runs."""


class Claim:
    """Held by a run from `take` to `release`, and renewed every ten seconds in between.

    A claim whose process is gone (on this machine), or that was not renewed for a minute (on another one), is
    taken over; of several runs that try to, one succeeds. A run that slept meanwhile, as a laptop does, finds out
    at its next renewal: `on_lost` is called then, in a thread of the claim.
    """

    def __init__(self, folder: JobFolder, on_lost: Callable[[StorageError], None] = lambda _: None) -> None:
        self._folder = folder
        self._on_lost = on_lost
        self.id = uuid.uuid4().hex
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="claim", daemon=True)
        self.lost = False

    def take(self) -> Self:
        """Claim the folder.

        Raises:
            StorageError: when another run holds it, or it cannot be read or written.
        """
        _HELD.add(self.id)  # before anybody can see it
        try:
            self._take()
        except BaseException:
            _HELD.discard(self.id)
            raise
        self._heart.start()
        return self

    def confirm(self) -> None:
        """Renew the claim now.

        Raises:
            StorageError: when another run has taken it over, or it cannot be read or written.
        """
        found = self._folder.find(_NAME)
        if self._is_mine(found) and self._folder.swap(_NAME, found, self._content()):
            return
        if not self._is_mine(
            self._folder.find(_NAME)
        ):  # a renewal by the other thread is none of another run
            self.lost = True
        if self.lost:
            raise StorageError(
                f"{self._where()}: another run has taken this folder over, as this one was not heard of for a "
                "while; finished frames are kept. Let it finish, or stop it and run again."
            )

    def release(self) -> None:
        """Give the folder free, unless another run has taken it over."""
        self._released.set()
        self._heart.join()
        _HELD.discard(self.id)
        with contextlib.suppress(StorageError):
            found = self._folder.find(_NAME)
            if self._is_mine(found):
                self._folder.swap(_NAME, found, None)

    def _take(self) -> None:
        for _ in range(_TRIES):  # each failure means that another run was faster, which is then alive
            found = self._folder.find(_NAME)
            self._refuse_if_alive(found)
            if self._folder.swap(_NAME, found, self._content()):
                return
        raise StorageError(f"{self._where()}: cannot be claimed: other runs keep trying the same; run again.")

    def _beat(self) -> None:
        while not self.lost and not self._released.wait(_BEAT_SECONDS):
            try:
                self.confirm()
            except StorageError as error:
                if self.lost:
                    self._on_lost(error)  # else the store is down, and the next beat will tell

    def _refuse_if_alive(self, found: bytes | None) -> None:
        holder = _holder(found)
        if _alive(holder):
            raise StorageError(
                f"{self._where()}: another run is rendering into this folder (process {holder.get('pid')} on "
                f"{holder.get('host')}); wait for it, stop it, or choose another --output-dir."
            )

    def _is_mine(self, found: bytes | None) -> bool:
        return _holder(found).get("id") == self.id

    def _where(self) -> str:
        return self._folder.path("").rstrip("/")

    def _content(self) -> bytes:
        holder = {
            "id": self.id,
            "host": platform.node(),
            "processes": _processes(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "renewed": time.time(),
        }
        return json.dumps(holder).encode()


def is_held(folder: JobFolder, claim_id: str) -> bool:
    """Tell whether the claim with this id is the one on the folder.

    Raises:
        StorageError: when it cannot be read.
    """
    return _holder(folder.find(_NAME)).get("id") == claim_id


def _holder(found: bytes | None) -> dict[str, object]:
    """Return what a claim says; nothing for none, and for one that is no claim."""
    try:
        holder = json.loads(found or b"{}")
    except (ValueError, RecursionError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _alive(holder: dict[str, object]) -> bool:
    if holder.get("host") == platform.node() and holder.get("processes") == _processes():
        pid = holder.get("pid")
        if pid == os.getpid() and holder.get("born") == _born(os.getpid()):
            return holder.get("id") in _HELD
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
    """Tell a process from a later one of the same number, and from its zombie, where /proc tells of it."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else rest[18]
    except (OSError, IndexError):
        return ""


def _processes() -> str:
    """Name this machine's present run and its set of processes: containers may share a host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
