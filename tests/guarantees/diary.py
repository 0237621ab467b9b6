"""What the renderers of all processes did, told by themselves: a line per deed, appended whole."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`what` is opened, began or drew; `frames` are of the model call, none for opened."""

    what: str
    pid: int
    node: str
    frames: tuple[int, ...]


class Diary:
    """A file beside the job; a process that is killed leaves its last line whole."""

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

    def deeds(self, what: str = "began") -> list[Deed]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        deeds = (Deed(**json.loads(line)) for line in lines)
        return [
            Deed(what=deed.what, pid=deed.pid, node=deed.node, frames=tuple(deed.frames))
            for deed in deeds
            if deed.what == what
        ]

    def drawn(self) -> int:
        """Return how many chunks were drawn, the same one again included."""
        return self.path.read_bytes().count(b'"drew"') if self.path.exists() else 0

    def calls(self) -> Counter[tuple[int, ...]]:
        """Return how often each chunk was a model call, by its frames."""
        return Counter(deed.frames for deed in self.deeds())

    def calls_of(self, frame: int) -> list[Deed]:
        return [deed for deed in self.deeds() if frame in deed.frames]

    def pids(self) -> list[int]:
        """Return the processes that opened a renderer, oldest first."""
        return list(dict.fromkeys(deed.pid for deed in self.deeds("opened")))

    def alive(self) -> list[int]:
        return [pid for pid in self.pids() if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return pid != os.getpid() and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
