"""Whether the text encoders read prompts to their end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from farm.manifest import Manifest
from farm.manifest.findings import Finding, describe_value
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_prompts
from farm.records import DiffusersSpec, TextualInversion
from farm.render.checkpoints.adapter_files import USUAL_WORD
from farm.render.checkpoints.checkpoint_contents import contents_of, read_shapes
from farm.render.prompts.prompt_length import PromptLength, read_prompt_length
from farm.run.fit.files import find_weights
from farm.run.fit.inversion import word_of


def prompt_remarks(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield every plain prompt that CLIP reads a part of; nothing where its tokenizer is not on this machine yet."""
    if not PIPELINES[spec.pipeline].weighs_words or manifest.render.prompt_syntax == "compel":
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
