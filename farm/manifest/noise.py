"""The `noise` of each kind of animation: where a frame's initial latents come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from farm.manifest.fields import Seed, Seeds
from farm.manifest.section import Section


class FixedNoise(Section):
    """The same noise in every frame."""

    mode: Literal["fixed"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed."""


class GridNoise(Section):
    """Noise of a grid."""

    mode: Literal["fixed", "per_frame"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed; per_frame: each from its own."""


class InterpolateNoise(Section):
    """Noise of an interpolation."""

    mode: Literal["fixed", "per_frame", "keyframes"] = "fixed"
    """fixed: the seed's noise in every frame; per_frame: each its own; keyframes: from prompt to prompt."""

    seeds: Seeds | None = None
    """For keyframes, one seed per prompt; null derives them from the manifest's seed."""


class CircleNoise(Section):
    """Noise that goes round in a circle through two draws of it."""

    mode: Literal["circle"] = "circle"
    """circle: cos(t) * n(x) + sin(t) * n(y)."""

    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2, max_length=2)] | None = None
    """The seeds of x and y; null derives them from the manifest's seed."""


class StillsNoise(Section):
    """Noise of single pictures."""

    mode: Literal["per_frame"] = "per_frame"
    """per_frame: every picture starts from its own noise."""
