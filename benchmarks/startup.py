"""Measure commands that render nothing: CPU seconds of a process, medians of several runs.

python benchmarks/startup.py [--runs 9] [--output benchmarks/startup.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = str(ROOT / "manifests" / "demo.yaml")
COMMANDS = {
    "python": ["-c", "pass"],
    "farm --version": ["-P", "-m", "farm", "--version"],
    "farm --help": ["-P", "-m", "farm", "--help"],
    "farm check demo.yaml": ["-P", "-m", "farm", "check", DEMO],
    "farm plan demo.yaml": ["-P", "-m", "farm", "plan", DEMO],
}
BOUNDS = {"farm --help": 0.4, "farm check demo.yaml": 0.6, "farm plan demo.yaml": 1.0}
"""Seconds."""


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=9, help="runs of each command, after one that warms the caches"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="the JSON file"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Rounds over all commands, so that other load on the machine affects them equally.
        rounds = [
            {name: cpu_seconds(words, folder) for name, words in COMMANDS.items()}
            for _ in range(options.runs + 1)
        ]
    rows = [
        {
            "command": name,
            "median_seconds": round(statistics.median(times), 3),
            "least_seconds": round(min(times), 3),
            "bound_seconds": BOUNDS.get(name),
        }
        for name in COMMANDS
        for times in [[each[name] for each in rounds[1:]]]
    ]
    print(f"{machine()}; CPU seconds, {options.runs} runs")
    print(f"{'':22} {'median':>7} {'least':>7} {'bound':>7}")
    for row in rows:
        print(
            f"{row['command']:22} {row['median_seconds']:7.2f} {row['least_seconds']:7.2f} "
            f"{row['bound_seconds'] or '':>7}"
        )
    report = {
        "machine": machine(),
        "python": platform.python_version(),
        "runs": options.runs,
        "commands": rows,
    }
    options.output.write_text(json.dumps(report, indent=2) + "\n")


def cpu_seconds(words: list[str], folder: str) -> float:
    """Return the user and system time of a Python process and its children, in seconds."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = os.times()
    subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def machine() -> str:
    """Return the processor and the number of cores that this process may use."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


if __name__ == "__main__":
    main()
