"""Measure how much more evenly frames change with alphas chosen by a pilot, and at what cost.

    python benchmarks/pacing.py [--pacing perceptual|clip] [--frames 48] [--steps 12] [--pairs 12] [--output-dir DIR]

Each pair of prompts is rendered at uniform alphas and at those of a pilot, with the shipped checkpoint. Unevenness is
the coefficient of variation of the distance from frame to frame: the standard deviation divided by the mean.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from farm.analyze import measure
from farm.execute import InlineExecutor
from farm.plan.pacing import unevenness
from farm.records import AnalysisSpec, FrameSequence
from farm.results.measurements import analyzed_frame
from farm.run import prepare, render
from farm.run.prepare import Job
from farm.store import Ledger

PAIRS = (
    ("a red star at the beach", "a purple flower in the meadow"),
    ("a purple flower in the meadow", "a yellow fish in the sea"),
    ("a red star", "a blue heart"),
    ("a red star at the beach", "a blue star at the beach"),
    ("a red star at the beach", "a red heart at the beach"),
    ("a red star at the beach", "a red star at night"),
    ("a green triangle in the snow", "an orange fish in the sea"),
    ("a yellow moon at night", "a red flower in the meadow"),
    ("a blue fish in the sea", "a green star in the desert"),
    ("a purple heart in the snow", "a yellow star at night"),
    ("a red circle, cartoon", "a blue square, cartoon"),
    ("an orange moon at sunset, watercolor", "a pink moon in the forest, watercolor"),
)
"""Prompts that differ in shape, colour, background, or all of them."""

MANIFEST = """
version: 1
name: {name}
seed: 3
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: {prompts}, frames: {frames}, pacing: {pacing}}}
render: {{num_inference_steps: {steps}, guidance_scale: 5.0, batch_size: 6}}
analysis: {{clip: {{pretrained: tiny-world-clip}}, smoothness: true}}
output: {{gif: false, mp4: false, contact_sheet: {{columns: 12}}}}
"""


def rendered(folder: str, name: str, pair: Sequence[str], pacing: str, options: argparse.Namespace) -> Job:
    """Render a job and return it as rendered, with the chosen alphas."""
    path = Path(folder) / f"{name}.yaml"
    path.write_text(
        MANIFEST.format(
            name=name, prompts=list(pair), pacing=pacing, frames=options.frames, steps=options.steps
        )
    )
    with InlineExecutor() as executor:
        [summary] = render([prepare(path, output_dir=folder)], executor, lambda event: None)
    assert summary.state == "done", summary.error
    return prepare(path, output_dir=folder)


def distances(job: Job) -> dict[str, list[float]]:
    """Return the changes from frame to frame: the square root of 1 - SSIM, and CLIP's angle."""
    frames = tuple(analyzed_frame(job.plan.frame(row.frame), row) for row in Ledger(job.folder).rows())
    assert job.analysis is not None, "the manifest has one"
    spec = AnalysisSpec(clip=job.analysis.clip, classifier=None, smoothness=True)
    values = measure(spec, job.folder.url, FrameSequence(frames=frames, before=None, after=None))[1:]
    return {
        "perceptual": [math.sqrt(2 * float(each["perceptual_change"] or 0)) for each in values],
        "clip": [math.acos(1 - max(0.0, float(each["clip_change"] or 0))) for each in values],
    }


def main() -> None:
    """Render, measure, and print a table."""
    parser = argparse.ArgumentParser(description="Uniform alphas against a pilot's.")
    parser.add_argument("--pacing", choices=("perceptual", "clip"), default="perceptual")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--output-dir")
    options = parser.parse_args()
    began = time.perf_counter()
    print(
        f"{'from':30} {'to':38} {'uniform':>8} {'paced':>6} {'share':>6} {'pilot':>6}  largest step",
        flush=True,
    )
    shares, uneven = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.output_dir or scratch
        Path(folder).mkdir(parents=True, exist_ok=True)
        for number, pair in enumerate(PAIRS[: options.pairs], start=1):
            uniform = distances(rendered(folder, f"{number}-uniform", pair, "uniform", options))
            job = rendered(folder, f"{number}-{options.pacing}", pair, options.pacing, options)
            before, after = uniform[options.pacing], distances(job)[options.pacing]
            pilot_frames = sum(1 for _ in Ledger(type(job.folder)(job.folder.path(".farm/pilot"))).rows())
            shares.append(unevenness(after) / unevenness(before))
            uneven.append(unevenness(after))
            print(
                f"{pair[0]:30} {pair[1]:38} {unevenness(before):8.2f} {uneven[-1]:6.2f} {shares[-1]:6.2f} "
                f"{pilot_frames:6}  {max(before):.2f} to {max(after):.2f}",
                flush=True,
            )
    print(
        f"in {len(shares)} pairs: {fmean(shares):.2f} of the unevenness remains, at most {max(shares):.2f}; "
        f"{time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
