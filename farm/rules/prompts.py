"""Prompts: read to their end, with weights that count, and in a syntax that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from farm.inputs.compel_syntax import mixes, prompt_mistake
from farm.manifest.findings import Finding, describe_value
from farm.manifest.references import written_prompts
from farm.rules.context import Context


def length_warnings(context: Context) -> Iterator[Finding]:
    """Yield every plain prompt of which CLIP reads only the beginning."""
    model = context.inputs.model
    if model is None or not model.prompt_lengths:
        return
    for field, prompt in written_prompts(context.manifest):
        cut = next((cut for length in model.prompt_lengths if (cut := length.cut(prompt)) is not None), None)
        if cut is not None:
            yield Finding(
                path=field,
                found=f"{cut.tokens} tokens, of which CLIP reads {cut.read}",
                allowed=f"unread: {describe_value(cut.unread)}",
                hint="With render.prompt_syntax: compel all are read.",
            )


_WEIGHT = re.compile(
    r"\([^()]*:\s*(?:[0-2](?:\.\d*)?|\.\d+)\s*\)"  # (red:1.5), but not (16:9)
    r"|\([^()]*\)(?:\d*\.\d+|\++|-+(?!\w))"  # (red)1.5, (red)++, but not (red)-haired
    r"|[^\W\d_]{2,}\+\+"  # red++, but not C++
    r"|\)\.(?:blend|and)\("
)


def weight_warnings(context: Context) -> Iterator[Finding]:
    """Yield every prompt with weights that are read as plain words."""
    manifest = context.manifest
    if manifest.render.prompt_syntax == "compel":
        return
    weighs = context.traits.uses_clip_only
    for field, prompt in written_prompts(manifest):
        if found := _WEIGHT.search(prompt):
            yield Finding(
                path=field,
                found=f"{found[0]!r} is no weight in plain syntax, and is read as it stands",
                allowed="needed: plain words",
                hint="With render.prompt_syntax: compel words are weighted." if weighs else "",
            )


_MOST_MIXING = 100_000
"""Characters of prompts that blend or join others, in all: compel takes about a millisecond to read one."""

_NEEDED = (
    "needed: a prompt in compel's language, such as a (red)1.5 star; plain words need prompt_syntax: plain"
)


def syntax_findings(context: Context) -> Iterator[Finding]:
    """Yield every prompt in compel's syntax that cannot be read, is read otherwise than meant, or takes too long."""
    if context.manifest.render.prompt_syntax != "compel":
        return
    known: dict[str, str | None] = {}
    left = _MOST_MIXING
    for field, prompt in written_prompts(context.manifest):
        if prompt not in known:
            left -= len(prompt) if mixes(prompt) else 0
            if left < 0:
                yield Finding(
                    path=field,
                    found=f"more than {_MOST_MIXING} characters of prompts with .blend() or .and(), up to here",
                    allowed=f"allowed: up to {_MOST_MIXING} in a manifest",
                )
                return
            known[prompt] = prompt_mistake(prompt)
        mistake = known[prompt]
        if mistake is not None:
            yield Finding(path=field, found=mistake, allowed=_NEEDED)
