"""Who holds a claim, and whether that run still lives."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from farm.typed_json import Malformed, Within, read

_DEAD_SECONDS = 60.0
"""A claim from another machine counts as dead when it was not renewed for so long, or is from so far in the future."""
_LARGEST = 4096
"""Bytes: many times what a claim has."""
_LARGEST_PID = 2**31 - 1
HELD: set[str] = set()
"""The claims of this process: one that it could not remove, as the store was down, holds up none of its own runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A run that claims a folder; `born` tells its process from a later one of the same number."""

    id: str
    host: str
    processes: str = ""
    pid: Annotated[int, Within(1, _LARGEST_PID)] = _LARGEST_PID
    born: str = ""
    renewed: float


def this_run(claim_id: str) -> bytes:
    """Return what the claim of this process says, renewed now."""
    holder = Holder(
        id=claim_id,
        host=platform.node(),
        processes=processes(),
        pid=os.getpid(),
        born=_born(os.getpid()),
        renewed=time.time(),
    )
    return json.dumps(dataclasses.asdict(holder)).encode()


def holder_of(found: bytes | None) -> Holder | None:
    """Return who made a claim; None for none, and for one that is no claim."""
    if found is None or len(found) > _LARGEST:
        return None
    try:
        return read(found, Holder)
    except Malformed:
        return None


def is_alive(holder: Holder) -> bool:
    """Tell whether the run that made a claim still lives."""
    if holder.host == platform.node() and holder.processes == processes():
        if holder.pid == os.getpid() and holder.born == _born(os.getpid()):
            return holder.id in HELD
        return _born(holder.pid) == holder.born and _runs(holder.pid)
    return abs(time.time() - holder.renewed) < _DEAD_SECONDS


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


def processes() -> str:
    """Name this machine's present run and its set of processes: containers may share a host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
