"""Compare the farm with a plain diffusers loop: the same frames, in turn, on the same machine, and whether bits agree.

    python benchmarks/against_diffusers.py [--frames 48] [--rounds 3]

The plain loop does what a careful script does: load the pipeline once, encode the prompts once, render the frames in
batches and write PNGs. It runs once with torch's default number of threads and once with one. Models are warm in every
case, and only the frames are timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(2**32), "MALLOC_MMAP_THRESHOLD_": str(2**32)}
PROMPTS = ("a red star at the beach, cartoon", "a blue heart at night, neon")
BATCH, STEPS, GUIDANCE, SEED = 6, 25, 5.0, 7
MANIFEST = f"""
version: 1
name: bench
seed: {SEED}
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: ["{PROMPTS[0]}", "{PROMPTS[1]}"], frames: 12}}
render: {{num_inference_steps: {STEPS}, guidance_scale: {GUIDANCE}, batch_size: {BATCH}}}
output: {{gif: false, mp4: false, contact_sheet: false}}
"""


def plain_loop(threads: int | None) -> Callable[[int, Path], float]:
    """Return a function that renders with diffusers alone and returns the seconds taken."""
    import torch
    from diffusers import StableDiffusionPipeline

    from farm import models

    torch.set_num_threads(threads or os.cpu_count() or 1)
    shipped = models.find("tiny-world")
    assert shipped is not None
    pipeline = StableDiffusionPipeline.from_pretrained(shipped.path)
    pipeline.set_progress_bar_config(disable=True)

    def render(frames: int, folder: Path) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        with torch.no_grad():
            ends = [pipeline.encode_prompt(prompt, "cpu", 1, True) for prompt in PROMPTS]
        for start in range(0, frames, BATCH):
            alphas = [index / (frames - 1) for index in range(start, start + BATCH)]
            embeds = torch.cat([(1 - a) * ends[0][0] + a * ends[1][0] for a in alphas])
            images = pipeline(
                prompt_embeds=embeds,
                negative_prompt_embeds=ends[0][1].repeat(BATCH, 1, 1),
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                generator=[torch.Generator("cpu").manual_seed(SEED) for _ in alphas],
            ).images
            for offset, image in enumerate(images):
                image.save(folder / f"frame{start + offset:06d}.png")
        return time.perf_counter() - began

    return render


def farm_on(executor: object) -> Callable[[int, Path], float]:
    """Return a function that renders with the farm on an open executor and returns the seconds taken."""
    from farm.run import prepare
    from farm.run import render as render_jobs

    def render(frames: int, folder: Path) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / "bench.yaml"
        manifest.write_text(MANIFEST)
        job = prepare(manifest, overrides=[f"animation.frames={frames}"], output_dir=str(folder))
        began = time.perf_counter()
        [summary] = render_jobs([job], executor, lambda event: None)  # type: ignore[arg-type]
        assert summary.state == "done", summary.error
        return time.perf_counter() - began

    return render


def time_way(way: str, frames: int, rounds: int, folder: Path) -> None:
    """Time one way of rendering in this process and print the seconds of each round."""
    from farm.execute import open_executor

    def measure(render: Callable[[int, Path], float]) -> None:
        render(4 * BATCH, folder / "warm")
        for number in range(rounds):
            print(render(frames, folder / str(number)), flush=True)

    if way.startswith("diffusers"):
        measure(plain_loop(1 if "one thread" in way else None))
        return
    with open_executor(inline="inline" in way) as executor:
        measure(farm_on(executor))


WAYS = ("diffusers, one thread", "diffusers, all threads", "farm, inline", "farm, Ray, a worker per core")


def main() -> None:
    """Run every way of rendering in its own process and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        time_way(options.way, options.frames, options.rounds, options.folder)
        return
    print(
        f"{options.frames} frames of 64x64, {STEPS} guided steps, batches of {BATCH}, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory() as root:
        for way in WAYS:
            folder = Path(root) / way.replace(", ", "-").replace(" ", "-")
            command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
            command += ["--frames", str(options.frames), "--rounds", str(options.rounds)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env=os.environ | ALLOCATOR
            )
            seconds = [float(line) for line in done.stdout.split()]
            median = statistics.median(seconds)
            same = _same(Path(root) / "diffusers-one-thread", folder)
            print(
                f"{way:30} {options.frames / median:6.2f} frames/s  {seconds_list(seconds)}  {same}",
                flush=True,
            )


def seconds_list(seconds: list[float]) -> str:
    """Format the seconds of the rounds."""
    return "(" + ", ".join(f"{second:.1f}" for second in seconds) + " s)"


def _same(reference: Path, folder: Path) -> str:
    """Describe how many frames equal those of the plain loop with one thread."""
    ours = sorted(path for path in folder.rglob("frame*.png") if "/0/" in str(path))
    theirs = {path.name: path for path in reference.rglob("0/frame*.png")}
    if not theirs:
        return ""
    equal = sum(
        np.array_equal(np.asarray(Image.open(p)), np.asarray(Image.open(theirs[p.name]))) for p in ours
    )
    return f"{equal} of {len(ours)} frames bit-equal to one thread"


if __name__ == "__main__":
    main()
