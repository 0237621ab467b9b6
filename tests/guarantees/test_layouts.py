"""Whatever the layout of the work, 150 frames of the shipped checkpoint come out the same, bit for bit.

Three schedulers, deterministic, ancestral and LCM, each in these layouts (not their whole product, but every value
of every axis, and every one with every scheduler):

| where                    | shards of | order    | the folder before          |
|--------------------------|-----------|----------|----------------------------|
| in this process          | 7 chunks  | in order | empty                      |
| 1 Ray worker             | 2 chunks  | shuffled | empty                      |
| 2 Ray workers            | 1 chunk   | in order | empty                      |
| 3 Ray workers            | 7 chunks  | shuffled | empty                      |
| 2 Ray workers            | 2 chunks  | shuffled | holes, altered files       |
| in this process          | 1 chunk   | shuffled | holes, altered files       |

150 frames in batches of 4: the last chunk is half padding. The jobs of a layout are rendered in one run, so that
chunks of three schedulers meet in the same warm workers.
"""

from __future__ import annotations

import random
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from farm.execute import InlineExecutor, open_executor
from farm.run import prepare, render
from farm.run.prepare import Job
from tests.guarantees.undisturbed import assert_free, digests_of_files, leftovers

pytestmark = [pytest.mark.ray, pytest.mark.slow]

FRAMES = 150
SAMPLERS = {
    "deterministic": ("{class: DPMSolverMultistepScheduler}", "fixed"),
    "ancestral": ("{class: EulerAncestralDiscreteScheduler}", "per_frame"),
    "lcm": ("{class: LCMScheduler}", "fixed"),
}
MANIFEST = """\
version: 1
name: {name}
seed: 5
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world, scheduler: {scheduler}}}
animation:
  kind: interpolate
  prompts: [a red star at the beach, a blue heart at night, a yellow fish in the sea]
  frames: {frames}
  noise: {{mode: {noise}}}
render: {{num_inference_steps: 3, guidance_scale: 3.0, batch_size: 4}}
output: {{gif: false, mp4: false, contact_sheet: false}}
"""
LAST_CHUNK = (148, 149)
HOLES = (0, 41, 42, 43, 44, 45, 46, 87, LAST_CHUNK[1])
CUT, FLIPPED = 13, 101


class Shuffled(Job):
    """A job whose chunks are given out in no order."""

    def to_render(self, ranges):
        chunks = list(super().to_render(ranges))
        random.Random(1).shuffle(chunks)
        return tuple(chunks)


def run(place: Path, *, workers: int | None, chunks_per_shard: int, shuffled: bool) -> dict[str, int]:
    """Render the three jobs into `place` with `workers` (None: in this process); return how many frames each."""
    jobs = []
    for name, (scheduler, noise) in SAMPLERS.items():
        path = place / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(MANIFEST.format(name=name, scheduler=scheduler, noise=noise, frames=FRAMES))
        job = prepare(path, output_dir=str(place))
        jobs.append(Shuffled(plan=job.plan, folder=job.folder) if shuffled else job)
    with ExitStack() as stack:
        executor = stack.enter_context(
            InlineExecutor() if workers is None else open_executor(workers=workers)
        )
        summaries = render(jobs, executor, lambda event: None, chunks_per_shard=chunks_per_shard)
    assert [summary.state for summary in summaries] == ["done"] * len(jobs)
    for name in SAMPLERS:
        assert leftovers(place / name) == []
    assert_free()
    return {summary.name: summary.frames.rendered for summary in summaries}


def digests(place: Path) -> dict[str, dict[int, str]]:
    found = {name: digests_of_files(place / name) for name in SAMPLERS}
    assert {tuple(sorted(frames)) for frames in found.values()} == {tuple(range(FRAMES))}
    return found


@pytest.fixture(scope="module")
def in_this_process(tmp_path_factory):
    """The folder of the first layout, which the others are held against."""
    place = tmp_path_factory.mktemp("inline")
    run(place, workers=None, chunks_per_shard=7, shuffled=False)
    return place


def test_the_frames_are_pictures_of_their_own(in_this_process):
    """What is compared below says something: no two frames, and no two samplers, give the same pixels."""
    every = [digest for frames in digests(in_this_process).values() for digest in frames.values()]
    assert len(set(every)) == len(every) == 3 * FRAMES


@pytest.mark.parametrize(
    ("workers", "chunks_per_shard", "shuffled"),
    [(1, 2, True), (2, 1, False), (3, 7, True)],
    ids=["1-worker", "2-workers", "3-workers"],
)
def test_workers_shards_and_order_change_no_bit(
    local_ray, in_this_process, tmp_path, workers, chunks_per_shard, shuffled
):
    rendered = run(tmp_path, workers=workers, chunks_per_shard=chunks_per_shard, shuffled=shuffled)
    assert rendered == dict.fromkeys(SAMPLERS, FRAMES)
    assert digests(tmp_path) == digests(in_this_process)


@pytest.mark.parametrize(
    ("workers", "chunks_per_shard"), [(2, 2), (None, 1)], ids=["2-workers", "in-this-process"]
)
def test_a_resumed_job_with_holes_and_altered_files_ends_with_the_same_bits(
    local_ray, in_this_process, tmp_path, workers, chunks_per_shard
):
    place = tmp_path / "resumed"
    shutil.copytree(in_this_process, place)
    for name in SAMPLERS:
        frames = place / name / "frames"
        for hole in HOLES:
            (frames / f"frame{hole:06d}.png").unlink()
        cut, flipped = (frames / f"frame{index:06d}.png" for index in (CUT, FLIPPED))
        cut.write_bytes(cut.read_bytes()[:1000])
        content = bytearray(flipped.read_bytes())
        content[len(content) // 2] ^= 1
        flipped.write_bytes(content)
    rendered = run(place, workers=workers, chunks_per_shard=chunks_per_shard, shuffled=True)
    again = {index // 4 for index in (*HOLES, CUT, FLIPPED)}
    assert rendered == dict.fromkeys(SAMPLERS, 4 * len(again) - 2)
    assert digests(place) == digests(in_this_process)
