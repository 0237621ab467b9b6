"""Whether the text encoders read prompts to their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from farm.errors import ManifestError, Problem
from farm.inputs.checkpoints.info import contents_of, read_shapes
from farm.inputs.checkpoints.lora import USUAL_WORD
from farm.inputs.checkpoints.tokenizers import PromptLength, read_prompt_length
from farm.inputs.compel_syntax import mixes, prompt_mistake
from farm.manifest import Document, Manifest
from farm.manifest.findings import Finding, describe_value
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_prompts
from farm.records import DiffusersSpec, TextualInversion
from farm.rules.adapters import find_weights, word_of


def prompt_remarks(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield every plain prompt that CLIP reads a part of; nothing where its tokenizer is not on this machine yet."""
    if not PIPELINES[spec.pipeline].uses_clip_only or manifest.render.prompt_syntax == "compel":
        return
    lengths = list(_lengths(spec))
    for field, prompt in written_prompts(manifest):
        cut = next((cut for length in lengths if (cut := length.cut(prompt)) is not None), None)
        if cut is not None:
            yield Finding(
                path=field,
                found=f"{cut.tokens} tokens, of which CLIP reads {cut.read}",
                allowed=f"unread: {describe_value(cut.unread)}",
                hint="With render.prompt_syntax: compel all are read.",
            )


def _lengths(spec: DiffusersSpec) -> Iterator[PromptLength]:
    place = contents_of(spec.config or spec.source)
    learned = dict(_learned(spec.textual_inversions))
    for name in ("tokenizer", "tokenizer_2") if place else ():
        length = read_prompt_length(Path(place, name), learned) if place else None
        if length is not None:
            yield length


def _learned(inversions: tuple[TextualInversion, ...]) -> Iterator[tuple[str, int]]:
    """Yield words that were learned, each with the number of tokens that it stands for."""
    for inversion in inversions:
        file = find_weights((), inversion.source, inversion.weight_name, usual=USUAL_WORD)
        shapes = read_shapes(file) if isinstance(file, Path) else {}
        if word := word_of(inversion, shapes):
            shape = next(iter(shapes.values()), ())
            yield word, shape[0] if len(shape) > 1 else 1


_WEIGHT = re.compile(
    r"\([^()]*:\s*(?:[0-2](?:\.\d*)?|\.\d+)\s*\)"  # (red:1.5), but not (16:9)
    r"|\([^()]*\)(?:\d*\.\d+|\++|-+(?!\w))"  # (red)1.5, (red)++, but not (red)-haired
    r"|[^\W\d_]{2,}\+\+"  # red++, but not C++
    r"|\)\.(?:blend|and)\("
)


def weight_remarks(manifest: Manifest) -> Iterator[Finding]:
    """Yield every prompt with weights that are read as plain words."""
    if manifest.render.prompt_syntax == "compel":
        return
    weighs = PIPELINES[manifest.model.pipeline].uses_clip_only
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
