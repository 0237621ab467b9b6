"""A renderer without a model: colours and rings drawn from the recipe, for `--procedural` and for tests."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np

from farm.records import Chunk, Frame, Pixels, ProceduralSpec


class ProceduralRenderer:
    """Draws a gradient per prompt, mixed by the recipe's weights, with grain from its noise seeds.

    Like those of a model, its images change smoothly with the conditioning and depend on the recipe alone.
    """

    device = "cpu"
    own_scheduler = ""

    def __init__(self, spec: ProceduralSpec) -> None:
        self._spec = spec
        rows, columns = np.mgrid[0 : spec.height, 0 : spec.width]
        self._y, self._x = rows / spec.height, columns / spec.width
        self.environment = json.dumps({"renderer": "procedural", "numpy": np.__version__}, sort_keys=True)

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one image per frame."""
        if self._spec.seconds_per_chunk:
            time.sleep(self._spec.seconds_per_chunk)
        return [self._draw(frame) for frame in chunk.frames]

    def _draw(self, frame: Frame) -> Pixels:
        conditioning, noise = frame.recipe.conditioning, frame.recipe.noise
        picture = np.zeros((self._spec.height, self._spec.width, 3))
        for prompt, weight in zip(conditioning.prompts, conditioning.weights, strict=True):
            picture += weight * self._gradient(prompt)
        if conditioning.drift:
            picture = np.roll(picture, int(conditioning.drift.distance * self._spec.width), axis=1)
        for seed, weight in zip(noise.seeds, noise.weights, strict=True):
            grain = np.random.default_rng(seed).standard_normal((self._spec.height, self._spec.width, 1))
            picture += 0.03 * weight * grain
        return np.round(255 * picture.clip(0, 1)).astype(np.uint8)

    def _gradient(self, prompt: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        numbers = np.frombuffer(hashlib.sha256(prompt.encode()).digest(), np.uint8) / 255
        inner, outer = numbers[0:3], numbers[3:6]
        rings = 0.5 + 0.5 * np.cos(12 * np.hypot(self._y - numbers[6], self._x - numbers[7]))[..., None]
        return rings * inner + (1 - rings) * outer
