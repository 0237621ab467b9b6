"""Train the shipped checkpoints from scratch: python -m training (three hours on two CPU cores).

An interrupted run resumes when the same command is run again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_MMAP_THRESHOLD_": "100000000000"}
"""glibc reads these at start only. Without them it returns memory after every step, up to a third of the time."""


def parse(stages: Sequence[str], arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; `stages` are the allowed ones, and the default."""
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stages", nargs="+", choices=stages, default=stages, metavar="STAGE", help=", ".join(stages)
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "farm" / "models", help="parent of the exported folders"
    )
    parser.add_argument(
        "--work-dir", type=Path, default=Path("demo-work"), help="state for resuming an interrupted run"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    parser.add_argument("--size", type=int, default=64, help="width of the pictures in pixels")
    parser.add_argument("--seed", type=int, default=1, help="seed of all random numbers")
    parser.add_argument(
        "--effort", type=float, default=1.0, help="factor of the number of pictures and steps"
    )
    parser.add_argument("--replicas", type=int, default=1, help="processes that train the U-Net together")
    return parser.parse_args(arguments)


def main() -> None:
    """Run the stages."""
    if sys.platform == "linux" and not ALLOCATOR.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **ALLOCATOR})
    import torch

    from training.config import RunConfig
    from training.stages import STAGES, run

    settings = vars(parse(tuple(STAGES)))
    stages, device = settings.pop("stages"), torch.device(settings.pop("device"))
    run(stages, RunConfig(device=device, **settings))


if __name__ == "__main__":
    main()
