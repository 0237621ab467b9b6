"""Learned words: their vectors are laid into the vocabulary of a pipeline's text encoders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from farm.errors import ModelError
from farm.records import TextualInversion
from farm.render.checkpoints.adapter_files import ENCODER_OF, USUAL_WORD
from farm.render.checkpoints.hub import fetch, only_file
from farm.render.checkpoints.told import told

_NAMELESS = {*ENCODER_OF, "emb_params"}
"""What a file holds that does not say its word; the last as AUTOMATIC1111's web interface writes it."""


def load_textual_inversions(pipeline: Any, inversions: tuple[TextualInversion, ...]) -> None:
    """Teach a pipeline words, from safetensors only.

    A word of several vectors is that many tokens, `word word_1 word_2`, into which pipelines turn it themselves.

    Raises:
        ModelError: when a file is not there, or holds no learned word, one for another text encoder, or one that is
            there already.
    """
    for inversion in inversions:
        name = inversion.source.pretrained
        if not hasattr(pipeline, "load_textual_inversion"):
            raise ModelError(f"{name}: {type(pipeline).__name__} learns no words by textual inversion.")
        with told(inversion.source, "a textual inversion"):
            word, vectors = _read(inversion)
        for encoder, learned in vectors.items():
            _check(pipeline, encoder, word, learned, name)
        for encoder, learned in vectors.items():
            pipeline.load_textual_inversion(
                {word: learned},
                text_encoder=getattr(pipeline, encoder),
                tokenizer=getattr(pipeline, _tokenizer_of(encoder)),
            )


def _read(inversion: TextualInversion) -> tuple[str, Mapping[str, torch.Tensor]]:
    """Return a word, and its vectors by the encoder that they are for."""
    name = inversion.source.pretrained
    file = _file(inversion)
    tensors: dict[str, torch.Tensor] = load_file(file)
    if not (len(tensors) == 1 or tensors.keys() == ENCODER_OF.keys()):
        some = ", ".join(sorted(tensors)[:3])
        raise ModelError(
            f"{name}: {file.name} is no textual inversion: it holds {len(tensors)} tensors ({some}, ...)."
        )
    own = next(iter(tensors))
    word = inversion.token or ("" if own in _NAMELESS else own)
    if not word:
        raise ModelError(
            f"{name}: {file.name} does not say which word it is: give it as token in model.textual_inversions."
        )
    return word, {ENCODER_OF.get(key, "text_encoder"): learned for key, learned in tensors.items()}


def _file(inversion: TextualInversion) -> Path:
    source = inversion.source
    if source.kind == "file":
        return fetch(source, lambda _: (), holds="weights")
    wanted = only_file(source, inversion.weight_name, USUAL_WORD)
    if not wanted.endswith(".safetensors"):
        raise ModelError(
            f"{source.pretrained}: {wanted} is no .safetensors file, and nothing else is loaded."
        )
    return fetch(source, lambda _: [wanted], holds="weights") / wanted


def _check(pipeline: Any, encoder: str, word: str, learned: torch.Tensor, name: str) -> None:
    kind = type(pipeline).__name__
    model = getattr(pipeline, encoder, None)
    if model is None:
        raise ModelError(f"{name}: it is learned for a {encoder}, and this {kind} has none.")
    width = model.get_input_embeddings().weight.shape[-1]
    if learned.ndim not in (1, 2) or learned.shape[-1] != width:
        raise ModelError(
            f"{name}: it is learned for another model: its vectors are {learned.shape[-1]} numbers wide, and those of "
            f"this {kind}'s {encoder} {width}."
        )
    if word in getattr(pipeline, _tokenizer_of(encoder)).get_vocab():
        raise ModelError(
            f"{name}: {word} is a word already of this {kind}: give another as token in model.textual_inversions."
        )


def _tokenizer_of(encoder: str) -> str:
    return encoder.replace("text_encoder", "tokenizer")
