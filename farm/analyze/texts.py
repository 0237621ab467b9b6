"""How a CLIP model reads texts, by the files of its tokenizer. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tokenizers import Tokenizer

from farm.records import ModelSource
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings
from farm.render.prompts.clip_tokenizer import END_OF_WORD, read_clip_tokenizer

_ENDS = 2
"""Tokens that stand for the beginning and the end of a text, and are read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A text too long: of its `tokens` the first `read` are, and the text from `text` on is not."""

    tokens: int
    read: int
    text: str


class TextReader:
    """Reads texts as far as a model does that takes `longest` tokens, both ends of a text included."""

    def __init__(self, tokenizer: Tokenizer, longest: int) -> None:
        self._tokenizer = tokenizer
        self._read = longest - _ENDS

    def unread(self, text: str) -> Unread | None:
        """Return what is left out of a text, if anything is."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= self._read:
            return None
        return Unread(tokens=len(offsets), read=self._read, text=text[offsets[self._read][0] :])

    def knows(self, text: str) -> bool:
        """Whether a word of a text is more than a row of single bytes, as those are that training never met.

        A text without a word of several bytes, such as `7`, is known.
        """
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        pieces = zip(encoded.word_ids, encoded.tokens, strict=True)
        words = [[token for _, token in group] for _, group in groupby(pieces, key=lambda piece: piece[0])]
        long = [word for word in words if len("".join(word).removesuffix(END_OF_WORD)) > 1]
        return not long or any(_is_merged(token) for word in long for token in word)


def text_reader(source: ModelSource) -> TextReader | None:
    """Return how a CLIP model reads texts; None where it has no tokenizer.json of CLIP's kind on this machine."""
    place = contents_of(source)
    if place is None or not (place / "tokenizer.json").is_file():
        return None
    longest = _longest(read_settings(place / "config.json") or {})
    tokenizer = read_clip_tokenizer(place)
    return TextReader(tokenizer, longest) if tokenizer and longest else None


def _longest(config: Mapping[str, Any]) -> int | None:
    """Return the most tokens that a text may have; 77 is what transformers' CLIPTextConfig has unless told."""
    text = config.get("text_config")
    longest = text.get("max_position_embeddings", 77) if isinstance(text, dict) else None
    return longest if type(longest) is int and longest > 2 else None


def _is_merged(token: str) -> bool:
    return len(token.removesuffix(END_OF_WORD)) > 1
