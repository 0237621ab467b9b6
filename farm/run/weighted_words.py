"""Weighted prompts that are not what they seem, told before anything starts."""

from __future__ import annotations

from farm.errors import ManifestError
from farm.manifest import Document
from farm.manifest.prompts_in import written_prompts
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
        for field, prompt in written_prompts(document.manifest)
        if (mistake := prompt_mistake(prompt)) is not None
    ]
    if problems:
        raise ManifestError(problems)
