"""Measure the cost of planning: time and memory for a million frames.

python benchmarks/planning.py
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from farm.plan import classify_frames, make_plan
from farm.records import ProceduralSpec
from farm.rules.load import parse

MANIFEST = """
version: 1
name: million
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a, b, c], frames: 1000000}
render: {batch_size: 4, guidance_scale: 5.0}
"""
SAMPLE = 20_000


def main() -> None:
    """Measure and print a table."""
    document = parse(MANIFEST, Path("million.yaml"))
    rows = []

    def measure(what: str, work: Callable[[], object], count: int) -> None:
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append((what, f"{seconds:.3f} s", f"{1e6 * seconds / count:.1f} us", f"{peak / 1e6:.2f} MB"))

    plan = make_plan(document.manifest, ProceduralSpec())
    measure("make the plan", lambda: make_plan(document.manifest, ProceduralSpec()), 1)
    measure(
        "compare 1,000,000 frames with an empty ledger",
        lambda: list(classify_frames(plan, (), lambda row: True)),
        1_000_000,
    )
    measure(
        f"recipes and digests of {SAMPLE:,} frames",
        lambda: [plan.frame(i) and None for i in range(SAMPLE)],
        SAMPLE,
    )
    chunks = range(SAMPLE // plan.batch_size)
    measure(
        f"shards of {SAMPLE:,} frames, one at a time",
        lambda: [None for _ in plan.shards(chunks, chunks_per_shard=8, folder="out")],
        SAMPLE,
    )
    print(f"{'':48} {'time':>10} {'per frame':>10} {'peak memory':>12}")
    for row in rows:
        print("{:48} {:>10} {:>10} {:>12}".format(*row))


if __name__ == "__main__":
    main()
