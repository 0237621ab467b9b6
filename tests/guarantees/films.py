"""Small jobs for the procedural renderer, with a set time per chunk."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from farm.run import prepare
from farm.run.prepare import Job

MANIFEST = """\
version: 1
name: film
seed: {seed}
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: {prompts}, frames: {frames}}}
render: {{batch_size: {batch_size}, num_inference_steps: 4, height: 16, width: 16}}
output: {{gif: {{fps: {fps}}}, mp4: {{fps: 10}}}}
"""


def write_film(
    folder: Path,
    *,
    frames: int = 24,
    batch_size: int = 2,
    prompts: str = "[a, b, c]",
    seed: int = 3,
    fps: int = 10,
) -> Path:
    """Write, or edit, the manifest in `folder`."""
    path = folder / "film.yaml"
    path.write_text(
        MANIFEST.format(frames=frames, batch_size=batch_size, prompts=prompts, seed=seed, fps=fps)
    )
    return path


def prepare_film(path: Path, *, seconds_per_chunk: float = 0.0) -> Job:
    """Return the rehearsal of a manifest, into `out` next to it."""
    job = prepare(path, output_dir=str(path.parent / "out"), procedural=True)
    paced = dataclasses.replace(job.plan.renderer, seconds_per_chunk=seconds_per_chunk)
    return dataclasses.replace(job, plan=dataclasses.replace(job.plan, renderer=paced))


def folder_of(job: Job) -> Path:
    return Path(job.folder.path("")).absolute()
