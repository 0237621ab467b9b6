"""Measure the benefit and cost of strict determinism on this device: equal bits and frames per second, strict and fast.

    python benchmarks/determinism.py [--pretrained tiny-world] [--frames 48] [--batch 6] [--dtype float16]

Every frame is compared, bit for bit, with a first rendering in order: the same chunks repeated, in another order, with
other neighbours in the batch, and in a new process. Two columns show what the farm never does: the frame in another
slot, and alone. In the second pass one process alternates between the modes, like a worker that holds both models.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from farm.plan import Plan
from farm.records import Chunk, Determinism, Frame
from farm.render import Renderer, open_renderer
from farm.run import prepare

MODES: tuple[Determinism, ...] = get_args(Determinism)
MANIFEST = """
version: 1
name: bench
seed: 7
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}, revision: {revision}, torch_dtype: {dtype},
  scheduler: {{class: {scheduler}}}}}
animation: {{kind: interpolate, prompts: [a red star at the beach, a blue heart at night], frames: {frames},
  noise: {{mode: per_frame}}}}
render: {{num_inference_steps: {steps}, guidance_scale: 5.0, batch_size: {batch}, determinism: {determinism}}}
"""
Digests = dict[int, str]


def planned(options: argparse.Namespace, mode: Determinism) -> Plan:
    """Return the plan of the benchmark's manifest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.yaml"
        path.write_text(MANIFEST.format(**vars(options) | {"determinism": mode}))
        return prepare(path, output_dir=folder).plan


def rendered(renderer: Renderer, chunks: Iterable[Chunk]) -> Digests:
    """Render the chunks and return the digests of their pixels by frame."""
    digests: Digests = {}
    for chunk in chunks:
        for frame, picture in zip(chunk.frames, renderer.render(chunk), strict=True):
            digests[frame.index] = "" if picture is None else hashlib.sha256(picture.tobytes()).hexdigest()
    return digests


def mixed(plan: Plan) -> list[Chunk]:
    """Return chunks that keep each frame in its slot but mix it with frames of the next chunk."""
    chunks = [plan.chunk(number) for number in range(plan.chunk_count)]
    rows = zip(chunks, chunks[1:] + chunks[:1], strict=True)
    return [
        recut(plan, [(one if slot % 2 else other).frames[slot] for slot in range(plan.batch_size)])
        for one, other in rows
    ]


def recut(plan: Plan, frames: Sequence[Frame]) -> Chunk:
    """Return a chunk of exactly these frames."""
    return Chunk(index=0, batch_size=len(frames), frames=tuple(frames))


def compare(options: argparse.Namespace) -> None:
    """Measure both modes and print the table."""
    plans = {mode: planned(options, mode) for mode in MODES}
    renderers = {mode: open_renderer(plan.renderer) for mode, plan in plans.items()}
    firsts = {
        mode: rendered(renderers[mode], map(plan.chunk, range(plan.chunk_count)))
        for mode, plan in plans.items()
    }
    repeated, seconds = {mode: Digests() for mode in MODES}, dict.fromkeys(MODES, 0.0)
    for number in range(plans["strict"].chunk_count):  # alternating, so that other load affects both modes
        for mode, plan in plans.items():
            began = time.perf_counter()
            repeated[mode] |= rendered(renderers[mode], [plan.chunk(number)])
            seconds[mode] += time.perf_counter() - began

    columns = ("frames/s", "repeated", "shuffled", "neighbours", "process", "slot", "alone")
    print(renderers["strict"].environment, renderers["fast"].environment, sep="\n")
    print(f"{'':8}" + "".join(f"{column:>13}" for column in columns))
    for mode, plan in plans.items():
        chunks = [plan.chunk(number) for number in range(plan.chunk_count)]
        shuffled = random.Random(1).sample(chunks, len(chunks))
        turned = [recut(plan, chunk.frames[::-1]) for chunk in chunks]
        alone = [recut(plan, [frame]) for chunk in chunks for frame in chunk.frames]
        renderer, first = renderers[mode], firsts[mode]
        renderings = [
            repeated[mode],
            rendered(renderer, shuffled),
            rendered(renderer, mixed(plan)),
            in_new_process(mode),
            rendered(renderer, turned),
            rendered(renderer, alone),
        ]
        cells = [
            f"{len(first) / seconds[mode]:.2f}",
            *(f"{same(first, other)} of {len(first)}" for other in renderings),
        ]
        print(f"{mode:8}" + "".join(f"{cell:>13}" for cell in cells), flush=True)
    print(f"strict and fast agree in {same(firsts['strict'], firsts['fast'])} of {options.frames} frames")


def same(first: Digests, other: Digests) -> int:
    """Return how many frames have the same pixels."""
    return sum(other[index] == digest for index, digest in first.items())


def in_new_process(mode: Determinism) -> Digests:
    """Render in order in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--only", mode], capture_output=True, text=True, check=True
    )
    return {int(index): digest for index, digest in json.loads(done.stdout).items()}


def main() -> None:
    """Print the table, or with `--only` the digests of one mode."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pretrained", default="tiny-world")
    parser.add_argument("--revision", default="null", help="the commit, for a hub id")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--scheduler", default="EulerAncestralDiscreteScheduler")
    parser.add_argument("--frames", type=int, default=48, help="a multiple of the batch")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--only", choices=MODES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.frames % options.batch:
        parser.error(f"--frames {options.frames}: give a multiple of --batch {options.batch}")
    if options.only:
        plan = planned(options, options.only)
        chunks = map(plan.chunk, range(plan.chunk_count))
        print(json.dumps(rendered(open_renderer(plan.renderer), chunks)))
        return
    compare(options)


if __name__ == "__main__":
    main()
