"""The lock on a job's folder, which allows one run at a time, on any storage, and ends with that run.

Written by hand because the folder may be in an object store, which offers only compare-and-swap on a small file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

from farm.errors import StorageError
from farm.store.folder import JobFolder
from farm.typed_json import Malformed, Within, parse

_NAME = ".farm/claim.json"
_MAX_BYTES = 4096
_MAX_PID = 2**31 - 1
_HEARTBEAT_SECONDS = 10.0
_STALE_SECONDS = 60.0
"""A lock of another machine is stale if it was last renewed this long ago, or this far in the future."""
_ATTEMPTS = 5
_ids_of_this_process: set[str] = set()
"""A lock that this process could not remove, because the store was down, does not block its later runs."""


class FolderLock:
    """A run's lock on its job's folder, renewed every ten seconds between `acquire` and `release`.

    Another run may take over a lock when its process has ended (on this machine), or when it was not renewed for a
    minute (on another machine); if several runs try, one succeeds. A run that was suspended meanwhile, such as on a
    laptop, notices at its next renewal: `on_lost` is then called, in the heartbeat's thread.
    """

    def __init__(self, folder: JobFolder, on_lost: Callable[[StorageError], None] = lambda _: None) -> None:
        self._folder = folder
        self._on_lost = on_lost
        self.id = uuid.uuid4().hex
        self._released = threading.Event()
        self._heartbeat_thread = threading.Thread(target=self._heartbeat, name="folder-lock", daemon=True)
        self.lost = False

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> Self:
        """Lock the folder.

        Raises:
            StorageError: when another run holds the lock, or it cannot be read or written.
        """
        _ids_of_this_process.add(self.id)  # before the lock is visible
        try:
            self._acquire()
        except BaseException:
            _ids_of_this_process.discard(self.id)
            raise
        self._heartbeat_thread.start()
        return self

    def renew(self) -> None:
        """Renew the lock now.

        Raises:
            StorageError: when another run has taken over the lock, or it cannot be read or written.
        """
        found = self._folder.find(_NAME)
        if self._is_mine(found) and self._folder.compare_and_swap(_NAME, found, _lock_file(self.id)):
            return
        if not self._is_mine(self._folder.find(_NAME)):  # it is still ours if both threads renewed at once
            self.lost = True
        if self.lost:
            raise StorageError(
                f"{self._where()}: another run has taken over this folder because this run did not renew its lock "
                "in time; finished frames are kept. Let the other run finish, or stop it and run again."
            )

    def release(self) -> None:
        """Unlock the folder, unless another run has taken it over."""
        self._released.set()
        self._heartbeat_thread.join()
        _ids_of_this_process.discard(self.id)
        with contextlib.suppress(StorageError):
            found = self._folder.find(_NAME)
            if self._is_mine(found):
                self._folder.compare_and_swap(_NAME, found, None)

    def _acquire(self) -> None:
        for _ in range(_ATTEMPTS):  # each failure means that another live run was faster
            found = self._folder.find(_NAME)
            self._refuse_if_held(found)
            if self._folder.compare_and_swap(_NAME, found, _lock_file(self.id)):
                return
        raise StorageError(
            f"{self._where()}: cannot be locked: other runs keep trying to lock it; run again."
        )

    def _heartbeat(self) -> None:
        while not self.lost and not self._released.wait(_HEARTBEAT_SECONDS):
            try:
                self.renew()
            except StorageError as error:
                if self.lost:
                    self._on_lost(error)  # otherwise the store is down, and the next heartbeat tries again

    def _refuse_if_held(self, found: bytes | None) -> None:
        holder = _holder(found)
        if holder is not None and _is_alive(holder):
            raise StorageError(
                f"{self._where()}: another run has locked this folder (process {holder.pid} on {holder.host}); wait "
                "for it or stop it, then run again."
            )

    def _is_mine(self, found: bytes | None) -> bool:
        return _id(found) == self.id

    def _where(self) -> str:
        return self._folder.path("").rstrip("/")


def is_locked_by(folder: JobFolder, lock_id: str) -> bool:
    """Return whether the folder's lock has this id.

    Raises:
        StorageError: when it cannot be read.
    """
    return _id(folder.find(_NAME)) == lock_id


def lock_holder(folder: JobFolder) -> str:
    """Return the run that holds a folder's lock, such as `process 12 on host`; empty if none does.

    Raises:
        StorageError: when the lock cannot be read.
    """
    holder = _holder(folder.find(_NAME))
    return f"process {holder.pid} on {holder.host}" if holder is not None and _is_alive(holder) else ""


def held_lock_id(folder: JobFolder) -> str:
    """Return the id of the lock that a run holds on a folder; empty if none does.

    Raises:
        StorageError: when the lock cannot be read.
    """
    holder = _holder(folder.find(_NAME))
    return holder.id if holder is not None and _is_alive(holder) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """The content of the lock's file.

    `born` is the start time of the process, which distinguishes it from a later process with the same number;
    `processes` identifies the machine's boot and process namespace; `renewed` is a Unix time.
    """

    id: str
    host: str
    processes: str = ""
    pid: Annotated[int, Within(1, _MAX_PID)] = _MAX_PID
    born: str = ""
    renewed: float


def _lock_file(lock_id: str) -> bytes:
    """Return the content of this process's lock, renewed now."""
    holder = _Holder(
        id=lock_id,
        host=platform.node(),
        processes=process_namespace(),
        pid=os.getpid(),
        born=_process_start_time(os.getpid()),
        renewed=time.time(),
    )
    return json.dumps(dataclasses.asdict(holder)).encode()


def _holder(found: bytes | None) -> _Holder | None:
    """Return the holder named in a lock's file; None if the file is missing or invalid."""
    if found is None or len(found) > _MAX_BYTES:
        return None
    try:
        return parse(found, _Holder)
    except Malformed:
        return None


def _id(found: bytes | None) -> str | None:
    holder = _holder(found)
    return None if holder is None else holder.id


def _is_alive(holder: _Holder) -> bool:
    """Return whether the run that holds a lock is still alive."""
    if holder.host == platform.node() and holder.processes == process_namespace():
        if holder.pid == os.getpid() and holder.born == _process_start_time(os.getpid()):
            return holder.id in _ids_of_this_process
        return _process_start_time(holder.pid) == holder.born and _is_running(holder.pid)
    return abs(time.time() - holder.renewed) < _STALE_SECONDS


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_start_time(pid: int) -> str:
    """Return a process's start time in clock ticks since boot; empty for a zombie, or without /proc."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else rest[18]
    except (OSError, IndexError):
        return ""


def process_namespace() -> str:
    """Return the ids of this machine's boot and process namespace, since containers may share a host name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
