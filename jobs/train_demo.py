"""Make the shipped checkpoints from nothing: python jobs/train_demo.py (three hours on two CPU cores).

A killed run goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = (
    *("vae", "vae-sharp", "text", "clip", "clip-mean", "resnet", "unet", "controlnet", "lcm"),
    *("export", "evaluate", "evaluate-controlnet", "evaluate-lcm", "evaluate-inpainting"),
)
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_MMAP_THRESHOLD_": "100000000000"}
"""glibc reads these at start only. Without them it hands memory back after every step, up to a third of the time."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stages", nargs="+", choices=STAGES, default=STAGES, metavar="STAGE", help=str(STAGES)
    )
    parser.add_argument("--output", type=Path, default=ROOT / "farm" / "models", help="where the folders go")
    parser.add_argument(
        "--work-dir", type=Path, default=Path("demo-work"), help="state of a run, to go on from"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    parser.add_argument("--size", type=int, default=64, help="width of the pictures in pixels")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn")
    parser.add_argument("--effort", type=float, default=1.0, help="multiplies pictures and steps")
    parser.add_argument("--replicas", type=int, default=1, help="processes that train the U-Net together")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the stages; 0 when all are done."""
    if sys.platform == "linux" and not ALLOCATOR.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ALLOCATOR})
    settings = vars(parse())
    sys.path.insert(0, str(ROOT))
    import torch

    from farm.demo.recipe import Recipe
    from farm.demo.stages import run

    stages, device = settings.pop("stages"), torch.device(settings.pop("device"))
    run(stages, Recipe(device=device, **settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
