"""Who holds a claim, and whether that run still lives."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

_DEAD_SECONDS = 60.0
"""A claim from another machine counts as dead when it was not renewed for so long."""
HELD: set[str] = set()
"""The claims of this process: one that it could not remove, as the store was down, holds up none of its own runs."""


def this_run(claim_id: str) -> bytes:
    """Return what the claim of this process says, renewed now."""
    holder = {
        "id": claim_id,
        "host": platform.node(),
        "processes": processes(),
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "renewed": time.time(),
    }
    return json.dumps(holder).encode()


def holder_of(found: bytes | None) -> dict[str, object]:
    """Return what a claim says; nothing for none, and for one that is no claim."""
    try:
        holder = json.loads(found or b"{}")
    except (ValueError, RecursionError):
        return {}
    return holder if isinstance(holder, dict) else {}


def is_alive(holder: dict[str, object]) -> bool:
    """Tell whether the run that made a claim still lives."""
    if holder.get("host") == platform.node() and holder.get("processes") == processes():
        pid = holder.get("pid")
        if pid == os.getpid() and holder.get("born") == _born(os.getpid()):
            return holder.get("id") in HELD
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


def processes() -> str:
    """Name this machine's present run and its set of processes: containers may share a host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
