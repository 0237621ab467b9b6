"""Weighted prompts that are not what they seem, told before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farm.errors import ManifestError
from farm.manifest import Document, Manifest
from farm.manifest.reading.places import Path as Field
from farm.render.prompts.prompt_language import prompt_mistake


def refuse_slips(document: Document) -> None:
    """Read every prompt that is to be read by compel.

    Raises:
        ManifestError: when some cannot be read, or would be read otherwise than they are meant, each at its place.
    """
    if document.manifest.render.prompt_syntax != "compel":
        return
    needed = "needed: a prompt in compel's language, such as a (red)1.5 star; plain words need prompt_syntax: plain"
    problems = [
        document.problem(field, mistake, needed)
        for field, prompt in _prompts(document.manifest)
        if (mistake := prompt_mistake(prompt)) is not None
    ]
    if problems:
        raise ManifestError(problems)


def _prompts(manifest: Manifest) -> Iterator[tuple[Field, str]]:
    """Yield every prompt with its place."""
    match getattr(manifest.animation, "prompts", None):
        case None:
            yield ("animation", "prompt"), getattr(manifest.animation, "prompt", "")
        case Mapping() as prompts:
            yield from ((("animation", "prompts", frame), prompt) for frame, prompt in prompts.items())
        case prompts:
            yield from ((("animation", "prompts", number), prompt) for number, prompt in enumerate(prompts))
    if manifest.render.negative_prompt is not None:
        yield ("render", "negative_prompt"), manifest.render.negative_prompt
