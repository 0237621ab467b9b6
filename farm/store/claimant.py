"""Who holds a claim, and whether that run still lives."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

_DEAD_SECONDS = 60.0
"""A claim from another machine counts as dead when it was not renewed for so long, or is renewed so far ahead."""
_LARGEST = 4096
"""Bytes: many times what a claim has."""
_LAST_PID = 2**31
_NOBODY: dict[str, Any] = {"id": "", "host": "", "processes": "", "pid": 0, "born": "", "renewed": 0.0}
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


def holder_of(found: bytes | None) -> dict[str, Any]:
    """Return what a claim says; nothing for none, and for what no run of the farm would write."""
    if found is None or len(found) > _LARGEST:
        return {}
    try:
        holder = json.loads(found)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(holder, dict):
        return {}
    said = {name: holder.get(name, nothing) for name, nothing in _NOBODY.items()}
    numbers = type(said["pid"]) is int and type(said["renewed"]) in (int, float)
    texts = all(isinstance(said[name], str) for name in ("id", "host", "processes", "born"))
    return said if numbers and texts else {}


def is_alive(holder: dict[str, Any]) -> bool:
    """Tell whether the run that made a claim still lives."""
    if not holder:
        return False
    if holder["host"] == platform.node() and holder["processes"] == processes():
        pid = holder["pid"]
        if pid == os.getpid() and holder["born"] == _born(os.getpid()):
            return holder["id"] in HELD
        return 0 < pid < _LAST_PID and _born(pid) == holder["born"] and _runs(pid)
    now = time.time()
    return bool(now - _DEAD_SECONDS < holder["renewed"] < now + _DEAD_SECONDS)


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
