"""The `farm` command in a separate process, which a test may kill; its renderers keep a diary.

Called as a program it is `farm` with three more options: `--diary FILE`, `--seconds-per-chunk S`, and
`--stop-in gif` or `table`: to stop (as by SIGSTOP) with that output half written.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.guarantees import diary as diary_module
from tests.guarantees import faults as faults_module
from tests.guarantees.diary import Diary
from tests.guarantees.faults import Faulty, From, Rest

_ROOT = Path(__file__).parents[2]


class Driver:
    """A running `farm render` of a film, with two workers on its own Ray unless `--inline` is among the options."""

    def __init__(
        self, manifest: Path, diary: Diary, *options: str, seconds_per_chunk: float = 0.0, stop_in: str = ""
    ) -> None:
        output = manifest.parent / "out"
        where = () if "--inline" in options else ("--workers=2",)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.guarantees.driver", f"--diary={diary.path}"),
                *(f"--seconds-per-chunk={seconds_per_chunk}", *([f"--stop-in={stop_in}"] if stop_in else [])),
                *("render", str(manifest), "--procedural"),
                *(f"--output-dir={output}", *where, *options),
            ],
            cwd=_ROOT,
            env=os.environ | {"XDG_CACHE_HOME": str(output / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out = self.err = ""

    @property
    def stopped(self) -> bool:
        return psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        self.out, self.err = self.process.communicate(timeout=120)
        return self.process.returncode

    def kill(self) -> list[psutil.Process]:
        """Kill only this process, at once; return its Ray's processes, which become orphans.

        Ray's own agents are not among them: they write to no job, and wait a minute for their dead head.
        """
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        orphans = [process for process in descendants if "Agent" not in process.name()]
        self.process.kill()
        self.end()
        return orphans


def stop_in(place: str) -> None:
    """Make this process stop after it has written part of an output."""
    import pyarrow.parquet

    from farm.reduce import gif

    writers = {"gif": (gif.GifWriter, "add"), "table": (pyarrow.parquet.ParquetWriter, "write_table")}
    writer, name = writers[place]
    write = getattr(writer, name)

    def write_and_stop(*arguments, **options):
        write(*arguments, **options)
        os.kill(os.getpid(), signal.SIGSTOP)

    setattr(writer, name, write_and_stop)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--diary", type=Path)
    parser.add_argument("--seconds-per-chunk", type=float)
    parser.add_argument("--stop-in", choices=["gif", "table"])
    ours, arguments = parser.parse_known_args()
    if ours.stop_in:
        stop_in(ours.stop_in)
    renderers = Faulty(Diary(ours.diary), From(0, Rest(ours.seconds_per_chunk)))

    def open_executor(*, inline, workers, address, **settings):
        if inline:
            from farm.execute import InlineExecutor

            return InlineExecutor(open_renderer=renderers, **settings)
        import ray

        from farm.execute.ray.executor import RayExecutor

        for module in (diary_module, faults_module):
            ray.cloudpickle.register_pickle_by_value(module)
        return RayExecutor(workers=workers, address=address, open_renderer=renderers, **settings)

    from farm import execute
    from farm.cli import main

    execute.open_executor = open_executor
    main(arguments)


if __name__ == "__main__":
    main()
