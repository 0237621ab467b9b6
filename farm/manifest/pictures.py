"""Animations of pictures that do not move into each other: stills, sweep."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from farm.manifest.fields import MAX_PROMPTS, Prompt, Prompts, Seeds
from farm.manifest.noise import FixedNoise, StillsNoise
from farm.manifest.section import Section
from farm.manifest.sweep import Over
from farm.manifest.takes import Whole


class Stills(Section):
    """Single pictures of each prompt."""

    kind: Literal["stills"]
    """stills: single pictures of each prompt."""

    prompts: Prompts
    """One or more."""

    seeds: Seeds | None = None
    """One picture of every prompt per seed; null derives a seed for each picture."""

    num_images_per_prompt: Annotated[int, Whole(1, MAX_PROMPTS)] = Field(
        default_factory=lambda given: len(given.get("seeds") or (1,)), validate_default=True
    )
    """How many pictures of every prompt; 1 if not said, or the number of seeds where they are listed."""

    noise: StillsNoise = StillsNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many pictures there are."""
        return len(self.prompts) * self.num_images_per_prompt


class Sweep(Section):
    """One prompt over the product of listed call arguments; also assembled as one labelled picture."""

    kind: Literal["sweep"]
    """sweep: one prompt, many settings."""

    prompt: Prompt
    """What every frame shows."""

    over: Over
    """One to three call arguments, each with its values; the first varies slowest."""

    noise: FixedNoise = FixedNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many combinations there are."""
        return math.prod(len(values) for values in self.over.values())  # type: ignore[arg-type, misc]
