"""Render one long film while random worker processes, and occasionally the entire run, are killed.

    python -m tests.guarantees.soak --seed 7 --frames 2000

prints the costs. The seed decides what is killed after how many chunks; the affected chunks depend on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from farm.run.prepare import Job
from tests.guarantees.diary import Diary
from tests.guarantees.driver import Driver
from tests.guarantees.films import prepare_film, write_film

_BATCH_SIZE = 4
_WORKERS = 3
_MOST_RUNS = 20


@dataclass(kw_only=True)
class Figures:
    """The costs of a soak test; `runs` counts the starts of the command, killed ones included.

    `retries` are chunks that were handed out again, and `chunks_drawn_twice` those with a lost picture.
    """

    seed: int
    frames: int
    exit_code: int = -1
    runs: int = 0
    runs_killed: int = 0
    workers_killed: int = 0
    retries: int = 0
    model_calls: int = 0
    chunks_drawn_twice: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A target to kill once `drawn` chunks are drawn."""

    drawn: int
    whole_run: bool


def soak(
    folder: Path, *, seed: int, frames: int = 2000, worker_kills: int = 12, run_kills: int = 2
) -> tuple[Job, Diary, Figures]:
    """Run `farm render` repeatedly until it exits with 0; return the job, and the costs."""
    chance = random.Random(seed)
    manifest = write_film(folder, frames=frames, batch_size=_BATCH_SIZE)
    job, diary = prepare_film(manifest), Diary(folder / "diary")
    kills = _schedule(chance, job.plan.chunk_count, worker_kills, run_kills)
    figures, began = Figures(seed=seed, frames=frames), time.monotonic()
    while figures.exit_code != 0 and figures.runs < _MOST_RUNS:
        figures.runs += 1
        run = Driver(manifest, diary, f"--workers={_WORKERS}", seconds_per_chunk=0.02)
        figures.exit_code = _disturb(run, diary, kills, chance, figures)
        figures.retries += run.err.count(": retrying ")
    figures.model_calls = diary.calls().total()
    drawings = Counter(action.frames for action in diary.actions("drew"))
    figures.chunks_drawn_twice = sum(count > 1 for count in drawings.values())
    figures.seconds = time.monotonic() - began
    return job, diary, figures


def _schedule(chance: random.Random, chunks: int, worker_kills: int, run_kills: int) -> deque[Kill]:
    moments = sorted(chance.sample(range(1, chunks * 9 // 10), worker_kills + run_kills))
    whole_runs = set(chance.sample(moments, run_kills))
    return deque(Kill(drawn=moment, whole_run=moment in whole_runs) for moment in moments)


def _disturb(run: Driver, diary: Diary, kills: deque[Kill], chance: random.Random, figures: Figures) -> int:
    """Kill the scheduled targets until the run ends, and return its exit code."""
    waiter = threading.Thread(target=run.end)
    waiter.start()
    while waiter.is_alive():
        time.sleep(0.01)
        if not kills or diary.drawn() < kills[0].drawn:
            continue
        if kills[0].whole_run:
            run.process.kill()
            figures.runs_killed += 1
            kills.popleft()
            break
        if living := diary.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(living), signal.SIGKILL)
                figures.workers_killed += 1
                kills.popleft()
    waiter.join()
    return run.process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--frames", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _, _, figures = soak(Path(folder), seed=given.seed, frames=given.frames)
    for name, value in vars(figures).items():
        print(f"{name.replace('_', ' '):<20} {value:>6.0f}")


if __name__ == "__main__":
    main()
