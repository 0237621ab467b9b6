"""Weighted prompts that are not what they seem, told before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from farm.errors import ManifestError, Problem
from farm.manifest import Document
from farm.manifest.references import written_prompts
from farm.render.prompts.prompt_language import mixes, prompt_mistake

_MOST_MIXING = 100_000
"""Characters of prompts that blend or join others, in all: compel takes about a millisecond to read one."""

_NEEDED = (
    "needed: a prompt in compel's language, such as a (red)1.5 star; plain words need prompt_syntax: plain"
)


def refuse_slips(document: Document) -> None:
    """Read every prompt that is to be read by compel.

    Raises:
        ManifestError: when some cannot be read, or would be read otherwise than they are meant, each at its place; or
            when they would take too long to read.
    """
    if document.manifest.render.prompt_syntax == "compel":
        problems = list(_slips(document))
        if problems:
            raise ManifestError(problems)


def _slips(document: Document) -> Iterator[Problem]:
    known: dict[str, str | None] = {}
    left = _MOST_MIXING
    for field, prompt in written_prompts(document.manifest):
        if prompt not in known:
            left -= len(prompt) if mixes(prompt) else 0
            if left < 0:
                yield document.problem(
                    field,
                    f"more than {_MOST_MIXING} characters of prompts with .blend() or .and(), up to here",
                    f"allowed: up to {_MOST_MIXING} in a manifest",
                )
                return
            known[prompt] = prompt_mistake(prompt)
        mistake = known[prompt]
        if mistake is not None:
            yield document.problem(field, mistake, _NEEDED)
