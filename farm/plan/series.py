"""Frames that are pictures of their own: `stills` and `sweep`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from farm.plan.motion import Point, blend, seeded, single_or_per_frame
from farm.records import Scalar, SchedulerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """Every prompt with every seed, prompt by prompt; without listed seeds each frame has its own."""

    prompts: tuple[str, ...]
    negative_prompt: str | None
    images_per_prompt: int
    seed: int
    seeds: tuple[int, ...] | None

    def at(self, frame: int) -> Point:
        """Return prompt frame // images_per_prompt with its seed."""
        count = len(self.prompts) * self.images_per_prompt
        prompt = self.prompts[frame // self.images_per_prompt]
        if self.seeds is None:
            noise = single_or_per_frame(self.seed, "per_frame", frame)
        else:
            noise = seeded(self.seeds[frame % self.images_per_prompt], "seeds")
        return Point(
            alpha=frame / max(1, count - 1),
            conditioning=blend({prompt: 1.0}, "lerp", self.negative_prompt),
            noise=noise,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One prompt and one noise over the product of listed arguments; the first axis varies slowest."""

    prompt: str
    negative_prompt: str | None
    axes: tuple[tuple[str, tuple[Scalar | SchedulerSpec, ...]], ...]
    seed: int

    def at(self, frame: int) -> Point:
        """Return the frame's combination of arguments."""
        arguments: dict[str, Scalar] = {}
        scheduler, rest = None, frame
        for name, values in reversed(self.axes):
            rest, choice = divmod(rest, len(values))
            value = values[choice]
            if isinstance(value, SchedulerSpec):
                scheduler = value
            else:
                arguments[name] = value
        count = math.prod(len(values) for _, values in self.axes)
        return Point(
            alpha=frame / max(1, count - 1),
            conditioning=blend({self.prompt: 1.0}, "lerp", self.negative_prompt),
            noise=seeded(self.seed),
            arguments=arguments,
            scheduler=scheduler,
        )
