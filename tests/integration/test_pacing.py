"""The effect of a pilot with the shipped checkpoint; `benchmarks/pacing.py` measures more pairs and more frames."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from farm.analyze import measure
from farm.execute import InlineExecutor
from farm.plan.pacing import unevenness
from farm.records import AnalysisSpec, FrameSequence
from farm.results.measurements import analyzed_frame
from farm.run import prepare, render
from farm.store import Ledger
from tests.exhaustive import sample

pytestmark = pytest.mark.slow

MANIFEST = """\
version: 1
name: {pacing}
seed: 3
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: {prompts}, frames: 30, pacing: {pacing}}}
render: {{num_inference_steps: 8, guidance_scale: 5.0, batch_size: 6}}
output: {{gif: false, mp4: false, contact_sheet: false, report: false}}
"""


def changes(folder: Path, pair: tuple[str, str], pacing: str) -> list[float]:
    """Render a job and return the visible changes from frame to frame."""
    path = folder / f"{pacing}.yaml"
    path.write_text(MANIFEST.format(pacing=pacing, prompts=json.dumps(pair)))
    job = prepare(path, output_dir=str(folder))
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    assert summary.state == "done"
    plan = prepare(path, output_dir=str(folder)).plan
    frames = tuple(analyzed_frame(plan.frame(row.frame), row) for row in Ledger(job.folder).rows())
    spec = AnalysisSpec(clip=None, classifier=None, smoothness=True)
    values = measure(spec, job.folder.url, FrameSequence(frames=frames, before=None, after=None))
    return [math.sqrt(2 * float(each["perceptual_change"] or 0)) for each in values[1:]]


PAIRS = [
    ("a purple flower in the meadow", "a yellow fish in the sea"),
    ("a red star at the beach", "a red heart at the beach"),
    ("a purple heart in the snow", "a yellow star at night"),
]


@pytest.mark.parametrize(("start", "end"), sample(PAIRS, of=PAIRS[:1]))
def test_frames_at_a_pilots_alphas_are_at_least_twice_as_even(tmp_path: Path, start: str, end: str) -> None:
    pair = (start, end)
    uniform = unevenness(changes(tmp_path, pair, "uniform"))
    paced = unevenness(changes(tmp_path, pair, "perceptual"))
    print(f"unevenness {uniform:.3f}, at a pilot's alphas {paced:.3f}; needed: at most {uniform / 2:.3f}")
    assert paced <= uniform / 2
