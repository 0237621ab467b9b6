"""Every prompt that a manifest writes, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farm.manifest.reading.places import Path
from farm.manifest.schema import Manifest


def written_prompts(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    """Yields the place of every prompt and its words: those of the animation, then the negative one."""
    match getattr(manifest.animation, "prompts", None):
        case None:
            yield ("animation", "prompt"), getattr(manifest.animation, "prompt", "")
        case Mapping() as prompts:
            yield from ((("animation", "prompts", frame), prompt) for frame, prompt in prompts.items())
        case prompts:
            yield from ((("animation", "prompts", number), prompt) for number, prompt in enumerate(prompts))
    if manifest.render.negative_prompt is not None:
        yield ("render", "negative_prompt"), manifest.render.negative_prompt
