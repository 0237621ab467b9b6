"""A log of the actions of all processes' renderers: one line per action, appended atomically."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`what` is opened, began or drew; `frames` are those of the model call, none for opened."""

    what: str
    pid: int
    node: str
    frames: tuple[int, ...]


class Diary:
    """A file next to the job; a killed process leaves its last line complete."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, what: str, frames: tuple[int, ...] = ()) -> None:
        from ray import get_runtime_context, is_initialized

        node = get_runtime_context().get_node_id() if is_initialized() else ""
        line = json.dumps({"what": what, "pid": os.getpid(), "node": node, "frames": frames}) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def actions(self, what: str = "began") -> list[Action]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        actions = (Action(**json.loads(line)) for line in lines)
        return [
            Action(what=action.what, pid=action.pid, node=action.node, frames=tuple(action.frames))
            for action in actions
            if action.what == what
        ]

    def drawn(self) -> int:
        """Return how many chunks were drawn, repetitions included."""
        return self.path.read_bytes().count(b'"drew"') if self.path.exists() else 0

    def calls(self) -> Counter[tuple[int, ...]]:
        """Return the number of model calls per chunk, by its frames."""
        return Counter(action.frames for action in self.actions())

    def calls_of(self, frame: int) -> list[Action]:
        return [action for action in self.actions() if frame in action.frames]

    def pids(self) -> list[int]:
        """Return the processes that opened a renderer, oldest first."""
        return list(dict.fromkeys(action.pid for action in self.actions("opened")))

    def alive(self) -> list[int]:
        return [pid for pid in self.pids() if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return pid != os.getpid() and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
