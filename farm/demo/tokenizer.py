"""A small CLIP tokenizer, learnt from the world's captions."""

from __future__ import annotations

import itertools
import json

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from farm.demo.captions import full_captions, partial_captions
from farm.demo.vocabulary import BACKGROUNDS, COLOURS, SHAPES, STYLES, Scene

START, END = "<|startoftext|>", "<|endoftext|>"
CONTEXT = 32
"""Tokens in a text, start and end included: the longest caption has 14, and CLIP's own 77 only cost time."""


def world_texts() -> list[str]:
    """Every caption the world can produce, once each, in a fixed order."""
    texts: dict[str, None] = {}
    for shape, colour, background, style in itertools.product(SHAPES, COLOURS, BACKGROUNDS, STYLES):
        scene = Scene(shape=shape, colour=colour, background=background, style=style)
        for caption in (
            *full_captions(scene),
            *full_captions(scene, with_style=False),
            *partial_captions(scene),
        ):
            texts[caption.text] = None
    return list(texts)


def new_tokenizer() -> CLIPTokenizer:
    """A tokenizer whose vocabulary holds all 256 bytes, so that any text has tokens, and the world's words whole."""
    merges = _merges(world_texts())
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [
        *letters,
        *(letter + "</w>" for letter in letters),
        *(one + two for one, two in merges),
        START,
        END,
    ]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT)


def _merges(texts: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges until every word of the texts is one token (Sennrich et al. 2016)."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    learner.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1000, end_of_word_suffix="</w>", show_progress=False)
    )
    return [(one, two) for one, two in json.loads(learner.to_str())["model"]["merges"]]
