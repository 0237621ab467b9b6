"""How much of a prompt CLIP reads. Needs no torch: the tokenizers of a checkpoint are read from its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from farm.render.checkpoints.checkpoint_contents import read_settings
from farm.render.prompts.clip_tokenizer import read_clip_tokenizer

_ENDS = 2
"""Tokens that stand for the beginning and the end of a prompt, and are read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A prompt too long: of its `tokens` the first `read` are, and the text from `unread` on is not."""

    tokens: int
    read: int
    unread: str


class PromptLength:
    """Measures prompts with one CLIP tokenizer."""

    def __init__(self, tokenizer: Tokenizer, longest: int, learned: Mapping[str, int]) -> None:
        self._tokenizer = tokenizer
        self._longest = longest
        self._more = {word: count - 1 for word, count in learned.items() if count > 1}
        tokenizer.add_tokens([AddedToken(word, normalized=False) for word in learned])

    def cut(self, prompt: str) -> Cut | None:
        """Return what is left out of a prompt, if anything is."""
        counted = self._tokenizer.encode(prompt, add_special_tokens=False)
        place, begins = 0, len(prompt)
        for token, (start, _) in zip(counted.tokens, counted.offsets, strict=True):
            place += 1 + self._more.get(token, 0)
            if place > self._longest:
                begins = min(begins, start)
        return (
            Cut(tokens=place, read=self._longest, unread=prompt[begins:]) if place > self._longest else None
        )


def read_prompt_length(folder: Path, learned: Mapping[str, int]) -> PromptLength | None:
    """Return what measures prompts for the tokenizer in a folder; None where it is not CLIP's, or not there.

    `learned` are words that were added, each with the number of tokens that it stands for.
    """
    settings = read_settings(folder / "tokenizer_config.json") or {}
    longest = settings.get("model_max_length")
    if settings.get("tokenizer_class") not in ("CLIPTokenizer", "CLIPTokenizerFast"):
        return None
    tokenizer = read_clip_tokenizer(folder)
    if tokenizer is None or type(longest) is not int or longest <= _ENDS:
        return None
    return PromptLength(tokenizer, longest - _ENDS, learned)
