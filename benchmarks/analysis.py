"""Measure the cost of analysing frames during the render: the demo with and without its analysis.

    python benchmarks/analysis.py [--manifest manifests/demo.yaml] [--workers N] [--rounds 3] [--output-dir DIR]

Every render is a separate process that starts Ray and loads all models, like a user's command. The table has the wall
time of the whole command and the CPU time of all its processes. The closing percentages are medians over rounds; each
round is a pair of consecutive renders.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a command, and whether it measured frames."""

    wall: float
    cpu: float
    measured: float

    @staticmethod
    def shares(with_it: Cost, without: Cost) -> tuple[float, float]:
        """Return how much longer the first took, relative to the second, in wall time and in CPU time."""
        return with_it.wall / without.wall - 1, with_it.cpu / without.cpu - 1


def rendered(options: argparse.Namespace, folder: Path, *settings: str) -> Cost:
    """Render the manifest into `folder` and return the cost."""
    command = [sys.executable, "-m", "farm.cli", "render", str(options.manifest), "--output-dir", str(folder)]
    command += ["--workers", str(options.workers)] if options.workers else []
    command += [part for setting in settings for part in ("--set", setting)]
    before, began = _machine_cpu(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, cpu = time.perf_counter() - began, _machine_cpu() - before
    [path] = folder.glob("*/summary.json")
    summary = json.loads(path.read_text())
    assert summary["state"] == "done", summary["state"]
    return Cost(wall, cpu, bool(summary["analysis"]))


def _machine_cpu() -> float:
    """Return the busy seconds of all CPUs since boot: Ray's processes are not children of this one."""
    with Path("/proc/stat").open() as stat:
        user, nice, system = map(int, stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, default=Path("manifests/demo.yaml"))
    parser.add_argument("--workers", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output-dir", type=Path)
    options = parser.parse_args()
    pairs = []
    with tempfile.TemporaryDirectory() as scratch:
        root = options.output_dir or Path(scratch)
        print(f"{'round':>5} {'':16} {'seconds':>8} {'CPU seconds':>12}")
        for number in range(1, options.rounds + 1):
            pair = (
                rendered(options, root / f"{number}-with"),
                rendered(options, root / f"{number}-without", "analysis=null"),
            )
            pairs.append(pair)
            for what, cost in zip(("with analysis", "without"), pair, strict=True):
                print(f"{number:>5} {what:16} {cost.wall:8.1f} {cost.cpu:12.1f}", flush=True)
    shares = [Cost.shares(*pair) for pair in pairs]
    wall, cpu = (median(each) for each in zip(*shares, strict=True))
    print(f"analysis added {wall:.1%} wall time and {cpu:.1%} CPU time (medians of {options.rounds})")


if __name__ == "__main__":
    main()
