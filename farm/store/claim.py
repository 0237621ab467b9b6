"""One run per output folder: a claim that other runs respect, and that outlives no run for long."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from typing import Self

from farm.errors import StorageError
from farm.store.claimant import HELD, holder_of, is_alive, this_run
from farm.store.folder import JobFolder

_NAME = ".farm/claim.json"
_BEAT_SECONDS = 10.0
_TRIES = 5


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
        HELD.add(self.id)  # before anybody can see it
        try:
            self._take()
        except BaseException:
            HELD.discard(self.id)
            raise
        self._heart.start()
        return self

    def confirm(self) -> None:
        """Renew the claim now.

        Raises:
            StorageError: when another run has taken it over, or it cannot be read or written.
        """
        found = self._folder.find(_NAME)
        if self._is_mine(found) and self._folder.swap(_NAME, found, this_run(self.id)):
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
        HELD.discard(self.id)
        with contextlib.suppress(StorageError):
            found = self._folder.find(_NAME)
            if self._is_mine(found):
                self._folder.swap(_NAME, found, None)

    def _take(self) -> None:
        for _ in range(_TRIES):  # each failure means that another run was faster, which is then alive
            found = self._folder.find(_NAME)
            self._refuse_if_alive(found)
            if self._folder.swap(_NAME, found, this_run(self.id)):
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
        holder = holder_of(found)
        if holder is not None and is_alive(holder):
            raise StorageError(
                f"{self._where()}: another run of the farm holds this folder (process {holder.pid} on "
                f"{holder.host}); wait for it or stop it, then run again."
            )

    def _is_mine(self, found: bytes | None) -> bool:
        return _id_of(found) == self.id

    def _where(self) -> str:
        return self._folder.path("").rstrip("/")


def is_held(folder: JobFolder, claim_id: str) -> bool:
    """Tell whether the claim with this id is the one on the folder.

    Raises:
        StorageError: when it cannot be read.
    """
    return _id_of(folder.find(_NAME)) == claim_id


def running_in(folder: JobFolder) -> str:
    """Return which run holds a folder now, such as `process 12 on host`; empty for none.

    Raises:
        StorageError: when the claim cannot be read.
    """
    holder = holder_of(folder.find(_NAME))
    return f"process {holder.pid} on {holder.host}" if holder is not None and is_alive(holder) else ""


def _id_of(found: bytes | None) -> str | None:
    holder = holder_of(found)
    return None if holder is None else holder.id
