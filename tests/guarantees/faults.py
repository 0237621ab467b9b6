"""Renderers that fail in known ways, on the frames and in the processes that a test names.

An executor takes `Faulty(diary, fault)` as its `open_renderer`. A fault is an action at a place: `On(9, die)`
kills the process whenever frame 9 is drawn, `On(9, die, times=1)` only the first time, and
`OnFirstWorker(poison)` fails everything that the first process draws.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farm.errors import ModelError, OutOfMemory, RenderError
from farm.records import Chunk, Pixels, RendererSpec
from farm.render import Renderer
from farm.render.procedural import ProceduralRenderer
from tests.guarantees.diary import Diary

Action = Callable[[], None]
Pictures = list["Pixels | None"]
Draw = Callable[[Chunk], Pictures]
Fault = Callable[[Diary, Chunk, Draw], Pictures]

_PATIENCE_SECONDS = 120.0


def sound(diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
    """Draw without a fault."""
    return draw(chunk)


@dataclass(frozen=True)
class Faulty:
    """Opens procedural renderers that keep a diary; `loading` happens while one opens."""

    diary: Diary
    fault: Fault = sound
    loading: Callable[[Diary], None] = lambda diary: None

    def __call__(self, spec: RendererSpec) -> Renderer:
        self.diary.note("opened")
        self.loading(self.diary)
        renderer = ProceduralRenderer(spec)
        draw, diary, fault = renderer.render, self.diary, self.fault

        def render(chunk: Chunk) -> Pictures:
            frames = tuple(frame.index for frame in chunk.frames)
            diary.note("began", frames)
            pictures = fault(diary, chunk, draw)
            diary.note("drew", frames)
            return pictures

        renderer.render = render
        return renderer


# --- places ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class On:
    """Acts where `frame` is drawn, in the first `times` calls that draw it (0: in every one)."""

    frame: int
    action: Action
    times: int = 0

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        if self.frame in [frame.index for frame in chunk.frames]:
            call = len(diary.calls_of(self.frame))  # this one is noted already
            if not self.times or call <= self.times:
                self.action()
        return draw(chunk)


@dataclass(frozen=True)
class OnFirstWorker:
    """Acts in every call of the process that opened its renderer first.

    Before each call, that process waits until the others have drawn as many chunks as it has begun.
    """

    action: Action

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        if is_first(diary):
            begun = sum(action.pid == os.getpid() for action in diary.actions())
            wait_until(lambda: len(diary.actions("drew")) >= begun)
            self.action()
        return draw(chunk)


@dataclass(frozen=True)
class From:
    """Acts in every call from `frame` on."""

    frame: int
    action: Action

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        if chunk.frames[-1].index >= self.frame:
            self.action()
        return draw(chunk)


@dataclass(frozen=True)
class OnceThereAre:
    """Acts like `fault` once that many processes have a renderer; until then every call waits, so that all work."""

    processes: int
    fault: Fault

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        wait_until(lambda: len(diary.pids()) >= self.processes)
        return self.fault(diary, chunk, draw)


@dataclass(frozen=True)
class InLargeCalls:
    """Acts in every call of more than `most` frames."""

    most: int
    action: Action

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        if chunk.batch_size > self.most:
            self.action()
        return draw(chunk)


@dataclass(frozen=True)
class Spoils:
    """Replaces the picture of `frame` by `picture`, in the first `times` calls (0: in every one)."""

    frame: int
    picture: Pixels | None
    times: int = 0

    def __call__(self, diary: Diary, chunk: Chunk, draw: Draw) -> Pictures:
        pictures = draw(chunk)
        indices = [frame.index for frame in chunk.frames]
        if self.frame in indices and (not self.times or len(diary.calls_of(self.frame)) <= self.times):
            pictures[indices.index(self.frame)] = self.picture
        return pictures


# --- actions ---------------------------------------------------------------------------------------------


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_next_rename() -> None:
    """Kill the process once it has written a temporary file, before the rename."""
    os.rename = lambda *_, **__: die()


def hang() -> None:
    while True:
        time.sleep(60)


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def poison() -> None:
    raise RenderError("the frame is poisoned")


def run_out_of_memory() -> None:
    raise OutOfMemory("8 GiB are wanted, 6 GiB are left")


def lose_model(diary: Diary) -> None:
    raise ModelError("its checkpoint cannot be read")


def lose_model_on_first_worker(diary: Diary) -> None:
    if is_first(diary):
        lose_model(diary)


@dataclass(frozen=True)
class Rest:
    """Takes time, as a model would."""

    seconds: float

    def __call__(self) -> None:
        time.sleep(self.seconds)


@dataclass(frozen=True)
class Await:
    """Waits for a file, then does `then`, so that a test decides when."""

    path: Path
    then: Action = lambda: None

    def __call__(self) -> None:
        wait_until(self.path.exists)
        self.then()


def is_first(diary: Diary) -> bool:
    return diary.pids()[0] == os.getpid()


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise RenderError("what the fault waits for did not come")
        time.sleep(0.01)
