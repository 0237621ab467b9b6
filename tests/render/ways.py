"""A way of making pictures, rendered by the farm and by plain diffusers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from farm.records import Chunk, ControlNetSpec, Frame, InputPicture, Pixels
from farm.render import open_renderer
from farm.render.loading.pipeline import _restore_text_model
from tests.checkpoints.ways import Way
from tests.render.frames import frame_of, noise_of, picture_of, spec_of
from tests.render.parts import Part, source

PROMPTS = ["a red star", "a blue heart on a green hill", "fish"]
SEEDS = [40, 41, 42]
STEPS = 4


class RenderedWay:
    """Saves a way's checkpoints and pictures in a folder, and holds its renderer."""

    def __init__(self, way: Way, folder: Path) -> None:
        torch.set_num_threads(1)
        self.way = way
        self.model = way.save(folder / "model")
        self._folder = folder
        self._nets = [save(folder / f"net{number}") for number, save in enumerate(way.nets)]
        self._part = Part(prompts=PROMPTS)
        nets = tuple(ControlNetSpec(source=source(net), subfolder="", variant=None) for net in self._nets)
        self.spec = spec_of(self.model, pipeline=way.pipeline, controlnets=nets)
        self.renderer = open_renderer(self.spec)

    def with_part(self, part: Part) -> RenderedWay:
        """Return the same way with a part added to the model, and its own renderer."""
        other = copy.copy(self)
        other._part = part if part.prompts else replace(part, prompts=self._part.prompts)
        other.model = part.model or self.model
        other.spec = replace(self.spec, **part.spec)
        other.renderer = open_renderer(other.spec)
        return other

    @property
    def prompts(self) -> Sequence[str]:
        """Three prompts, one per frame."""
        return self._part.prompts

    def draw(self, name: str, number: int) -> Path:
        """Return the picture of that name and number."""
        return draw_picture(self._folder, name, number)

    def pictures(self, number: int) -> dict[str, InputPicture]:
        """Return the way's pictures of that number."""
        return {name: picture_of(self.draw(name, number)) for name in self.way.pictures}

    def frame(
        self, index: int, prompts: dict[str, float] | None = None, *, picture: int = 0, **changes: Any
    ) -> Frame:
        """Return frame `index`, by default with the prompt, the seed and the pictures of that number."""
        settings = {
            "noise": noise_of(SEEDS[index % 3]),
            "negative_prompt": self.way.negative_prompt,
            "guidance_scale": None,
            "num_inference_steps": STEPS,
            "pictures": self.pictures(picture),
        }
        given = settings | dict(self.way.call) | dict(self._part.frame) | changes
        return frame_of(index, prompts or {self.prompts[index % 3]: 1.0}, **given)

    def render(self, *frames: Frame, batch_size: int | None = None) -> list[Pixels | None]:
        """Render one chunk."""
        return self.renderer.render(Chunk(index=0, batch_size=batch_size or len(frames), frames=frames))

    def pipeline(self) -> Any:
        """Load the pipeline as diffusers' documentation does."""
        nets = [diffusers.ControlNetModel.from_pretrained(net) for net in self._nets]
        parts = ({"controlnet": nets[0]} if nets else {}) | dict(self._part.loaded)
        pipeline = getattr(diffusers, self.way.pipeline).from_pretrained(self.model, **parts)
        pipeline.set_progress_bar_config(disable=True)
        _restore_text_model(pipeline)
        return pipeline

    def plain(
        self, prompts: Sequence[str], seeds: Sequence[int], pictures: Sequence[int] | None = None
    ) -> list[Pixels]:
        """Call the pipeline as diffusers' documentation does, with lists of prompts, generators and pictures."""
        pipeline = self.pipeline()
        more = self._part.apply(pipeline)
        return self.call(pipeline, prompts, seeds, pictures, **more)

    def call(
        self,
        pipeline: Callable[..., Any],
        prompts: Sequence[str],
        seeds: Sequence[int],
        pictures: Sequence[int] | None = None,
        **more: Any,
    ) -> list[Pixels]:
        """Call a plain pipeline in the same way, with `more` arguments, which may replace these."""
        opened = {
            name: [
                Image.open(self.draw(name, number)).convert("RGB")
                for number in pictures or [0] * len(prompts)
            ]
            for name in self.way.pictures
        }
        return plain_call(self.way, pipeline, prompts, seeds, opened, **more)


def plain_call(
    way: Way,
    call: Callable[..., Any],
    prompts: Sequence[str],
    seeds: Sequence[int],
    pictures: Mapping[str, Sequence[Image.Image]],
    **more: Any,
) -> list[Pixels]:
    """Call a pipeline, or a substitute, with lists of prompts, generators and pictures."""
    negative = way.negative_prompt
    arguments = {
        "prompt": list(prompts),
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds],
        "num_inference_steps": STEPS,
        **({} if negative is None else {"negative_prompt": [negative] * len(prompts)}),
        **pictures,
        **way.call,
    }
    return [np.asarray(image) for image in call(**arguments | more).images]


def same(ours: Sequence[Pixels | None], theirs: Sequence[Pixels]) -> list[bool]:
    """Return for each pair of pictures whether they are equal."""
    return [np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True)]


def draw_picture(folder: Path, name: str, number: int, side: int = 16) -> Path:
    """Draw a disc that moves, on a ramp; for a mask, white on black."""
    y, x = np.mgrid[0:side, 0:side]
    disc = (np.hypot(x - 4 - 3 * number, y - 8) < 4)[..., None]
    ramp = np.stack([x * 12, y * 12, np.full_like(x, 90)], axis=-1)
    pixels = np.where(disc, 255, 0) if name == "mask_image" else np.where(disc, (220, 200, 30), ramp)
    path = folder / f"{name}{number}.png"
    Image.fromarray(np.broadcast_to(pixels, (side, side, 3)).astype(np.uint8)).save(path)
    return path
