"""In any layout of the work, the frames of the shipped checkpoint are the same, bit for bit.

Three schedulers (deterministic, ancestral and LCM), each in these layouts; those in italics with `--exhaustive` only:

| where                    | shards of  | order    | the folder before          |
|--------------------------|------------|----------|----------------------------|
| in this process          | 7 chunks   | in order | empty                      |
| *1 Ray worker*           | *2 chunks* | shuffled | empty                      |
| 2 Ray workers            | 7 chunks   | shuffled | empty                      |
| *3 Ray workers*          | *1 chunk*  | in order | empty                      |
| 2 Ray workers            | 2 chunks   | shuffled | holes, altered files       |
| *in this process*        | *1 chunk*  | shuffled | holes, altered files       |

30 frames (150 with `--exhaustive`) in batches of 4: the last chunk is half padding. The jobs of a layout are rendered
in one run, so that chunks of three schedulers meet in the same warm workers.
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
from tests.exhaustive import sample
from tests.guarantees.undisturbed import assert_free, digests_of_files, leftovers

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SHORT, LONG = 30, 150
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
CUT, FLIPPED = 9, 25
TWO_WORKERS = (2, 7, True)


class Shuffled(Job):
    """A job whose chunks are handed out in random order."""

    def to_render(self, ranges):
        chunks = list(super().to_render(ranges))
        random.Random(1).shuffle(chunks)
        return tuple(chunks)


def run(place: Path, executor, *, frames: int, chunks_per_shard: int, shuffled: bool) -> dict[str, int]:
    """Render the three jobs into `place`; return how many frames of each were rendered."""
    jobs = []
    for name, (scheduler, noise) in SAMPLERS.items():
        path = place / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(MANIFEST.format(name=name, scheduler=scheduler, noise=noise, frames=frames))
        job = prepare(path, output_dir=str(place))
        jobs.append(Shuffled(plan=job.plan, folder=job.folder) if shuffled else job)
    summaries = render(jobs, executor, lambda event: None, chunks_per_shard=chunks_per_shard)
    assert [summary.state for summary in summaries] == ["done"] * len(jobs)
    for name in SAMPLERS:
        assert leftovers(place / name) == []
    return {summary.name: summary.frames.rendered for summary in summaries}


def digests(place: Path, frames: int) -> dict[str, dict[int, str]]:
    found = {name: digests_of_files(place / name) for name in SAMPLERS}
    assert {tuple(sorted(job)) for job in found.values()} == {tuple(range(frames))}
    return found


@pytest.fixture(scope="module")
def frames(pytestconfig):
    return LONG if pytestconfig.getoption("--exhaustive") else SHORT


@pytest.fixture(scope="module")
def in_this_process(tmp_path_factory, frames):
    """The folder of the first layout, with which the others are compared."""
    place = tmp_path_factory.mktemp("inline")
    with InlineExecutor() as executor:
        run(place, executor, frames=frames, chunks_per_shard=7, shuffled=False)
    return place


@pytest.fixture(scope="module")
def executor_with():
    """Open an executor with that many workers (None: in this process), or return that of the previous test."""
    opened = {}
    with ExitStack() as stack:

        def open_or_return(workers):
            if workers not in opened:
                stack.close()
                opened.clear()
                executor = InlineExecutor() if workers is None else open_executor(workers=workers)
                opened[workers] = stack.enter_context(executor)
            return opened[workers]

        yield open_or_return
    assert_free()


def test_all_frames_are_different(in_this_process, frames):
    """The comparisons below are meaningful: no two frames, and no two samplers, give the same pixels."""
    every = [digest for job in digests(in_this_process, frames).values() for digest in job.values()]
    assert len(set(every)) == len(every) == 3 * frames


@pytest.mark.parametrize(
    ("workers", "chunks_per_shard", "shuffled"),
    sample([(1, 2, True), TWO_WORKERS, (3, 1, False)], of=[TWO_WORKERS]),
)
def test_workers_shards_and_order_do_not_change_bits(
    local_ray, executor_with, in_this_process, tmp_path, frames, workers, chunks_per_shard, shuffled
):
    rendered = run(
        tmp_path,
        executor_with(workers),
        frames=frames,
        chunks_per_shard=chunks_per_shard,
        shuffled=shuffled,
    )
    assert rendered == dict.fromkeys(SAMPLERS, frames)
    assert digests(tmp_path, frames) == digests(in_this_process, frames)


@pytest.mark.parametrize(("workers", "chunks_per_shard"), sample([(2, 2), (None, 1)], of=[(2, 2)]))
def test_a_resumed_job_with_holes_and_altered_files_ends_with_the_same_bits(
    local_ray, executor_with, in_this_process, tmp_path, frames, workers, chunks_per_shard
):
    place, holes = tmp_path / "resumed", (0, *range(17, 23), frames - 1)
    shutil.copytree(in_this_process, place)
    for name in SAMPLERS:
        folder = place / name / "frames"
        for hole in holes:
            (folder / f"frame{hole:06d}.png").unlink()
        cut, flipped = (folder / f"frame{index:06d}.png" for index in (CUT, FLIPPED))
        cut.write_bytes(cut.read_bytes()[:1000])
        content = bytearray(flipped.read_bytes())
        content[len(content) // 2] ^= 1
        flipped.write_bytes(content)
    rendered = run(
        place, executor_with(workers), frames=frames, chunks_per_shard=chunks_per_shard, shuffled=True
    )
    again = {index // 4 for index in (*holes, CUT, FLIPPED)}
    assert rendered == dict.fromkeys(SAMPLERS, 4 * len(again) - 2)
    assert digests(place, frames) == digests(in_this_process, frames)
