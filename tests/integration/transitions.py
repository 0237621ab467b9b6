"""Ten interpolations of the demo world that change one thing, and where measures without CLIP see it change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from farm.demo.captions import PLACES
from farm.demo.colour import fill_votes, lab
from farm.execute import InlineExecutor
from farm.run import prepare, render
from farm.store import file_name

_RIM = 8
"""Pixels: shapes lie within."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two prompts that differ in the group `changes`. Each group has what is shown, and what it is or might become."""

    changes: str
    shape: tuple[str, str]
    colour: tuple[str, str]
    background: tuple[str, str]

    @property
    def groups(self) -> Mapping[str, tuple[str, str]]:
        """The labels to ask CLIP for."""
        return {"shape": self.shape, "colour": self.colour, "background": self.background}

    @property
    def prompts(self) -> list[str]:
        """The first and the last prompt."""
        first, last = (
            {name: labels[end * (name == self.changes)] for name, labels in self.groups.items()}
            for end in (0, 1)
        )
        return [f"a {one['colour']} {one['shape']} {PLACES[one['background']][0]}" for one in (first, last)]


PAIRS = tuple(
    Pair(changes=changes, shape=shape, colour=colour, background=background)
    for changes, shape, colour, background in (
        ("shape", ("star", "heart"), ("red", "blue"), ("beach", "night")),
        ("shape", ("fish", "moon"), ("blue", "yellow"), ("desert", "sea")),
        ("shape", ("square", "flower"), ("pink", "green"), ("meadow", "snow")),
        ("shape", ("triangle", "circle"), ("yellow", "red"), ("night", "forest")),
        ("colour", ("star", "fish"), ("red", "blue"), ("snow", "desert")),
        ("colour", ("heart", "moon"), ("green", "orange"), ("beach", "sunset")),
        ("colour", ("fish", "square"), ("yellow", "purple"), ("sea", "meadow")),
        ("background", ("star", "circle"), ("red", "green"), ("beach", "night")),
        ("background", ("fish", "triangle"), ("orange", "blue"), ("forest", "snow")),
        ("background", ("heart", "flower"), ("blue", "pink"), ("meadow", "sunset")),
    )
)

_MANIFEST = """\
version: 1
name: pair
seed: 7
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: {prompts}, frames: {frames}}}
render: {{num_inference_steps: {steps}, guidance_scale: 5.0, batch_size: 6}}
output: {{gif: false, mp4: false, contact_sheet: false, report: false}}
analysis:
  clip:
    pretrained: tiny-world-clip
    labels: {labels}
    template: {{shape: "a {{label}}", colour: "a {{label}} shape"}}
  classifier: {{pretrained: tiny-world-resnet, top_k: 8}}
"""


def rendered(pair: Pair, folder: Path, *, frames: int, steps: int) -> tuple[dict[str, object], Path]:
    """Render and measure a pair; return the account, and the job's folder."""
    manifest = folder / "pair.yaml"
    manifest.write_text(
        _MANIFEST.format(
            prompts=json.dumps(pair.prompts), frames=frames, steps=steps, labels=json.dumps(_labels(pair))
        )
    )
    job = prepare(manifest, output_dir=str(folder / "out"))
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    assert summary.state == "done", summary.error
    return dict(summary.analysis or {}), folder / "out" / "pair"


def _labels(pair: Pair) -> Mapping[str, object]:
    """A background is asked for by where things are, as its captions do."""
    places = [{name: f"a picture {PLACES[name][0]}"} for name in pair.background]
    return {"shape": pair.shape, "colour": pair.colour, "background": places}


def flip_of(pair: Pair, folder: Path) -> int:
    """Return the frame at which the ResNet, or a measure of colour, sees the change."""
    table = pq.read_table(folder / "metadata.parquet")
    pictures = [Image.open(folder / file_name(frame)) for frame in table["frame"].to_pylist()]
    if pair.changes == "shape":
        return cut(
            [label == getattr(pair, pair.changes)[1] for label in table["classifier_label_1"].to_pylist()]
        )
    if pair.changes == "colour":
        votes = [fill_votes(picture) for picture in pictures]
        return cut(
            [vote[getattr(pair, pair.changes)[1]] > vote[getattr(pair, pair.changes)[0]] for vote in votes]
        )
    rims = [rim(picture) for picture in pictures]
    return cut([np.linalg.norm(one - rims[0]) > np.linalg.norm(one - rims[-1]) for one in rims])


def rim(picture: Image.Image) -> np.ndarray:
    """Return CIELAB of the outermost pixels, row by row, where no shape lies."""
    pixels = lab(np.asarray(picture.convert("RGB")))
    outer = np.ones(pixels.shape[:2], bool)
    outer[_RIM:-_RIM, _RIM:-_RIM] = False
    return pixels[outer]


def cut(after: Sequence[bool]) -> int:
    """Return the first frame of the after that contradicts the fewest frames."""
    costs = [sum(after[:frame]) + sum(not one for one in after[frame:]) for frame in range(len(after) + 1)]
    return min(range(len(costs)), key=costs.__getitem__)
