"""Prompts: their length, their weights and their syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator

from farm.inputs.compel_syntax import mixes, prompt_mistake
from farm.manifest.findings import Finding, describe_value
from farm.manifest.references import written_prompts
from farm.rules.context import Context


def length_warnings(context: Context) -> Iterator[Finding]:
    """Yield every plain prompt that CLIP does not read in full."""
    model = context.inputs.model
    if model is None or not model.prompt_lengths:
        return
    for field, prompt in written_prompts(context.manifest):
        truncations = (length.truncation(prompt) for length in model.prompt_lengths)
        truncation = next(filter(None, truncations), None)
        if truncation is not None:
            yield Finding(
                path=field,
                found=f"{truncation.tokens} tokens, of which CLIP reads {truncation.read}",
                allowed=f"unread: {describe_value(truncation.unread)}",
                hint="With render.prompt_syntax: compel, all tokens are read.",
            )


_WEIGHT = re.compile(
    r"\([^()]*:\s*(?:[0-2](?:\.\d*)?|\.\d+)\s*\)"  # (red:1.5), but not (16:9)
    r"|\([^()]*\)(?:\d*\.\d+|\++|-+(?!\w))"  # (red)1.5, (red)++, but not (red)-haired
    r"|[^\W\d_]{2,}\+\+"  # red++, but not C++
    r"|\)\.(?:blend|and)\("
)


def weight_warnings(context: Context) -> Iterator[Finding]:
    """Yield every plain prompt with weights, which would be read as words."""
    manifest = context.manifest
    if manifest.render.prompt_syntax == "compel":
        return
    takes_weights = context.traits.uses_clip_only
    for field, prompt in written_prompts(manifest):
        if found := _WEIGHT.search(prompt):
            yield Finding(
                path=field,
                found=f"{found[0]!r} is not a weight in plain syntax, and is read literally",
                allowed="needed: plain words",
                hint="With render.prompt_syntax: compel, words can be weighted." if takes_weights else "",
            )


_MAX_MIXING = 100_000
"""Maximum total characters of prompts that blend or join others; compel takes about a millisecond for each."""

_NEEDED = (
    "needed: a prompt in compel's syntax, such as a (red)1.5 star; plain words need prompt_syntax: plain"
)


def syntax_findings(context: Context) -> Iterator[Finding]:
    """Yield every prompt in compel's syntax that is invalid, likely misread, or takes too long to parse."""
    if context.manifest.render.prompt_syntax != "compel":
        return
    mistakes: dict[str, str | None] = {}
    remaining = _MAX_MIXING
    for field, prompt in written_prompts(context.manifest):
        if prompt not in mistakes:
            remaining -= len(prompt) if mixes(prompt) else 0
            if remaining < 0:
                yield Finding(
                    path=field,
                    found=f"more than {_MAX_MIXING} characters of prompts with .blend() or .and(), up to here",
                    allowed=f"allowed: up to {_MAX_MIXING} in a manifest",
                )
                return
            mistakes[prompt] = prompt_mistake(prompt)
        mistake = mistakes[prompt]
        if mistake is not None:
            yield Finding(path=field, found=mistake, allowed=_NEEDED)
