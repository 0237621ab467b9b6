"""Whether learned words are learned with the model's text encoders, and each is a word that there was not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.records import TextualInversion
from farm.render.checkpoints.adapter_files import ENCODER_OF, USUAL_WORD
from farm.render.checkpoints.architecture import Architecture
from farm.render.checkpoints.checkpoint_contents import read_shapes
from farm.render.checkpoints.weights_file import Shape
from farm.run.fit.clauses import misfit, word_widths
from farm.run.fit.files import find_weights

_NAMELESS = {*ENCODER_OF, "emb_params"}
"""What a file holds that does not say its word; the last as AUTOMATIC1111's web interface writes it."""


def inversion_findings(inversions: Sequence[TextualInversion], model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with learned words; nothing of those of the hub that are not on this machine yet."""
    taught: set[tuple[str, str]] = set()
    for number, inversion in enumerate(inversions):
        field: FieldPath = ("model", "textual_inversions", number)
        file = find_weights(field, inversion.source, inversion.weight_name, usual=USUAL_WORD)
        if isinstance(file, Finding):
            yield file
        elif isinstance(file, Path):
            shapes = read_shapes(file)
            clauses = list(_clauses(shapes, model))
            yield from misfit(
                (*field, "pretrained"), clauses, "words learned with this model's text encoders"
            )
            if not clauses:
                word = word_of(inversion, shapes)
                yield from _word_findings(field, {(encoder, word) for encoder in _encoders(shapes)}, taught)


def word_of(inversion: TextualInversion, shapes: Mapping[str, Shape]) -> str:
    """Return the word that the manifest gives or else the file names; nothing where neither does."""
    named = next(iter(shapes), "")
    return inversion.token or ("" if named in _NAMELESS else named)


def _word_findings(
    field: FieldPath, words: set[tuple[str, str]], taught: set[tuple[str, str]]
) -> Iterator[Finding]:
    """Yield what is wrong with a word, the same for each text encoder that learns it."""
    word = next(word for _, word in words)
    if not word:
        yield Finding(
            path=(*field, "token"),
            found="missing",
            allowed="needed: how prompts say it, such as <cat-toy>, since its file does not name a word",
        )
    elif words & taught:
        yield Finding(
            path=(*field, "token"),
            found=f"{word} is learned twice",
            allowed="needed: a token of its own for each",
        )
    taught |= words


def _encoders(shapes: Mapping[str, Shape]) -> set[str]:
    return {ENCODER_OF.get(name, "text_encoder") for name in shapes}


def _clauses(shapes: Mapping[str, Shape], model: Architecture) -> Iterator[str]:
    if len(shapes) == 1 or shapes.keys() == ENCODER_OF.keys():
        own = {ENCODER_OF.get(name, "text_encoder"): shape[-1:] for name, shape in shapes.items()}
        yield from word_widths(own, model)
    else:
        yield f"it is no learned word, with {len(shapes)} tensors"
