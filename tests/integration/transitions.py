"""Interpolations of the demo world that change one thing, and the frame of each change by measures without CLIP."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from farm.execute import InlineExecutor
from farm.run import prepare, render
from farm.store import file_name
from training.measures import fill_votes, lab
from training.scenes import BACKGROUNDS, COLOURS, PLACES, SHAPES

VOCABULARY: Mapping[str, Sequence[str]] = {
    "shape": tuple(SHAPES),
    "colour": tuple(COLOURS),
    "background": tuple(BACKGROUNDS),
}

STEPS = 25

_RIM = 8
"""Width in pixels of the border, which no shape reaches."""

_FAR = -1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The content of the first prompt; in the second one, the group `changes` is `becomes`."""

    shape: str
    colour: str
    background: str
    changes: str
    becomes: str

    @property
    def prompts(self) -> list[str]:
        """The first and the last prompt."""
        return [_prompt(self), _prompt(replace(self, **{self.changes: self.becomes}))]

    @property
    def labels(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """All labels of each group in the world, with the constant part of the prompt in their texts where it helps."""
        known_colour = f"{self.colour} " if self.changes == "shape" else ""
        known_shape = self.shape if self.changes == "colour" else "shape"
        texts = {
            "shape": lambda label: f"a {known_colour}{label}",
            "colour": lambda label: f"a {label} {known_shape}",
            "background": lambda label: f"a picture {PLACES[label][0]}",
        }
        return {group: [{label: texts[group](label)} for label in VOCABULARY[group]] for group in VOCABULARY}


def _prompt(pair: Pair) -> str:
    return f"a {pair.colour} {pair.shape} {PLACES[pair.background][0]}"


PAIRS = tuple(
    Pair(shape=shape, colour=colour, background=background, changes=changes, becomes=becomes)
    for shape, colour, background, changes, becomes in (
        ("star", "red", "beach", "shape", "heart"),
        ("flower", "blue", "sunset", "shape", "heart"),
        ("square", "pink", "meadow", "shape", "flower"),
        ("triangle", "yellow", "night", "shape", "circle"),
        ("star", "red", "snow", "colour", "blue"),
        ("heart", "green", "beach", "colour", "orange"),
        ("fish", "yellow", "sea", "colour", "purple"),
        ("moon", "purple", "beach", "background", "sea"),
        ("fish", "orange", "forest", "background", "snow"),
        ("heart", "blue", "meadow", "background", "sunset"),
    )
)
"""Ten pairs on which both measures are certain; `benchmarks/transitions.py` draws random ones."""


def random_pairs(seed: int) -> Iterator[Pair]:
    """Yield random pairs endlessly, from every group in turn."""
    rng = random.Random(seed)
    while True:
        for changes in VOCABULARY:
            start = {name: rng.choice(labels) for name, labels in VOCABULARY.items()}
            others = [label for label in VOCABULARY[changes] if label != start[changes]]
            yield Pair(**start, changes=changes, becomes=rng.choice(others))


_MANIFEST = """\
version: 1
name: pair
seed: {seed}
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: {prompts}, frames: {frames}}}
render: {{num_inference_steps: {steps}, guidance_scale: 5.0, batch_size: 6}}
output: {{gif: false, mp4: false, contact_sheet: false, report: false}}
analysis:
  clip:
    pretrained: tiny-world-clip
    labels: {labels}
  classifier: {{pretrained: tiny-world-resnet, top_k: 8}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedTransition:
    """A transition in the insights, and the frame at which the other measure flips."""

    before: str
    after: str
    frame: int
    flip: int


def compare_transitions(
    pair: Pair, folder: Path, *, frames: int, steps: int = STEPS, seed: int = 7
) -> tuple[list[str], list[ComparedTransition]]:
    """Render and measure a pair; return the groups that change by the insights, and the changes in the pair's group."""
    insights, job = _rendered(pair, folder, frames=frames, steps=steps, seed=seed)
    changes = {story["group"]: story["transitions"] for story in insights["stories"] if story["transitions"]}
    own = changes.get(pair.changes, ())
    cuts = [0, *(one["frame"] for one in own), frames]
    measure = _seen(pair, job)
    return list(changes), [
        ComparedTransition(
            before=one["before"],
            after=one["after"],
            frame=one["frame"],
            flip=_flip(measure, one["before"], one["after"], (cuts[number], cuts[number + 2])),
        )
        for number, one in enumerate(own)
    ]


def _rendered(
    pair: Pair, folder: Path, *, frames: int, steps: int, seed: int
) -> tuple[Mapping[str, Any], Path]:
    manifest = folder / "pair.yaml"
    manifest.write_text(
        _MANIFEST.format(
            seed=seed,
            prompts=json.dumps(pair.prompts),
            frames=frames,
            steps=steps,
            labels=json.dumps(pair.labels),
        )
    )
    job = prepare(manifest, output_dir=str(folder / "out"))
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    assert summary.state == "done", summary.error
    return summary.analysis or {}, folder / "out" / "pair"


def _seen(pair: Pair, folder: Path) -> list[Mapping[str, float]]:
    """Return, per frame, how well labels of the pair's group fit, by a measure other than CLIP.

    Shapes are what the ResNet sees. A colour has the votes of colourful pixels. A background is as near as the
    picture's rim is, in CIELAB, to that of the first or last frame; no value exists for others.
    """
    table = pq.read_table(folder / "metadata.parquet")
    if pair.changes == "shape":
        names = [table[f"classifier_label_{place}"].to_pylist() for place in range(1, 9)]
        shares = [table[f"classifier_probability_{place}"].to_pylist() for place in range(1, 9)]
        return [
            dict(zip(labels, values, strict=True))
            for labels, values in zip(zip(*names, strict=True), zip(*shares, strict=True), strict=True)
        ]
    pictures = [Image.open(folder / file_name(frame)) for frame in table["frame"].to_pylist()]
    if pair.changes == "colour":
        return [fill_votes(picture) for picture in pictures]
    rims = [_rim(picture) for picture in pictures]
    ends = {pair.background: rims[0], pair.becomes: rims[-1]}
    return [{name: -float(np.linalg.norm(rim - end)) for name, end in ends.items()} for rim in rims]


def _flip(measure: Sequence[Mapping[str, float]], before: str, after: str, between: tuple[int, int]) -> int:
    """Return the first frame at which `after` fits better than `before`: the cut that the fewest frames contradict.

    Only frames from the first of `between` up to the second, exclusive, are considered.
    """
    first, end = between
    ahead = [one.get(after, _FAR) > one.get(before, _FAR) for one in measure[first:end]]
    costs = [sum(ahead[:cut]) + sum(not one for one in ahead[cut:]) for cut in range(len(ahead) + 1)]
    return first + min(range(len(costs)), key=costs.__getitem__)


def _rim(picture: Image.Image) -> np.ndarray:
    pixels = lab(np.asarray(picture.convert("RGB")))
    outer = np.ones(pixels.shape[:2], bool)
    outer[_RIM:-_RIM, _RIM:-_RIM] = False
    return pixels[outer]
