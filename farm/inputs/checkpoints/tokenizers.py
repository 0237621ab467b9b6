"""Measures how much of a text CLIP reads, using the checkpoint's own tokenizers. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from farm.inputs.checkpoints.clip_tokenizer import END_OF_WORD, read_clip_tokenizer
from farm.inputs.checkpoints.info import contents_of, read_settings
from farm.records import ClassifierSpec, ClipSpec, ModelSource

_ENDS = 2
"""The tokens for the beginning and the end of a prompt, which count towards its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """A text with more `tokens` than a model reads: it reads the first `read`, and ignores the `unread` rest."""

    tokens: int
    read: int
    unread: str


class PromptLength:
    """Measures prompts with one CLIP tokenizer."""

    def __init__(self, tokenizer: Tokenizer, longest: int, added: Mapping[str, int]) -> None:
        self._tokenizer = tokenizer
        self._longest = longest
        self._more = {word: count - 1 for word, count in added.items() if count > 1}
        tokenizer.add_tokens([AddedToken(word, normalized=False) for word in added])

    def truncation(self, prompt: str) -> Truncation | None:
        """Return how a prompt is truncated; None if it is read in full."""
        encoded = self._tokenizer.encode(prompt, add_special_tokens=False)
        count, cut = 0, len(prompt)
        for token, (start, _) in zip(encoded.tokens, encoded.offsets, strict=True):
            count += 1 + self._more.get(token, 0)
            if count > self._longest:
                cut = min(cut, start)
        return (
            Truncation(tokens=count, read=self._longest, unread=prompt[cut:])
            if count > self._longest
            else None
        )


def read_prompt_length(folder: Path, added: Mapping[str, int]) -> PromptLength | None:
    """Return a measure of prompts for the tokenizer in a folder; None if it is missing or not CLIP's.

    `added` are the tokens of textual inversions, each with its number of embeddings.
    """
    settings = read_settings(folder / "tokenizer_config.json") or {}
    longest = settings.get("model_max_length")
    if settings.get("tokenizer_class") not in ("CLIPTokenizer", "CLIPTokenizerFast"):
        return None
    tokenizer = read_clip_tokenizer(folder)
    if tokenizer is None or type(longest) is not int or longest <= _ENDS:
        return None
    return PromptLength(tokenizer, longest - _ENDS, added)


_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
"""The file names of weights in transformers."""

_PROCESSOR = ("preprocessor_config.json", "processor_config.json")
_VOCABULARY = ("tokenizer.json", "vocab.json")
_ADAPTER = "adapter_config.json"
"""A file that makes transformers add an adapter to the weights, or load weights from a location it names."""


def scoring_model_mismatch(part: ClipSpec | ClassifierSpec) -> str | None:
    """Return why a checkpoint is not the required CLIP model or classifier, as a clause, or None.

    A checkpoint that is not on this machine yet, such as a hub id that was never loaded, is not checked.
    """
    root = contents_of(part.source)
    if root is None:
        return None
    if root.is_file():
        return "it is a single file, not a folder with a configuration and weights"
    if (root / _ADAPTER).is_file():
        return f"it contains an {_ADAPTER}, which would replace its weights with those of another model"
    config = read_settings(root / "config.json")
    if config is None:
        # The hub's cache may contain only files that another use of the repository needed.
        return None if part.source.kind == "hub" else "it contains no config.json"
    is_clip = isinstance(part, ClipSpec)
    clauses = [*(_not_clip(config) if is_clip else _not_classifier(config))]
    if part.source.kind != "hub":
        clauses += _missing(root, (_WEIGHTS, _PROCESSOR, *((_VOCABULARY,) if is_clip else ())))
    return clauses[0] if clauses else None


def _not_clip(config: Mapping[str, Any]) -> Iterator[str]:
    kind = config.get("model_type")
    if kind != "clip":
        yield f"its config.json is that of a model of type {kind!r}, not 'clip'"
    elif not all(isinstance(config.get(half), dict) for half in ("text_config", "vision_config")):
        yield "its config.json does not describe both halves of a CLIPModel: text_config and vision_config"


def _not_classifier(config: Mapping[str, Any]) -> Iterator[str]:
    written = config.get("architectures")
    classes = [str(name) for name in written] if isinstance(written, list) else []
    if classes and not any("ForImageClassification" in name for name in classes):
        yield f"it is a {classes[0]}, not an image classifier"
    names = config.get("id2label")
    if not isinstance(names, dict) or not names:
        yield "its config.json does not name its classes (id2label)"


def _missing(folder: Path, needed: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for names in needed:
        if not any((folder / name).is_file() for name in names):
            yield f"it contains no {' or '.join(names)}"


class TextReader:
    """Reads texts like a model of at most `longest` tokens, including those for the beginning and the end."""

    def __init__(self, tokenizer: Tokenizer, longest: int) -> None:
        self._tokenizer = tokenizer
        self._read = longest - _ENDS

    def truncation(self, text: str) -> Truncation | None:
        """Return how a text is truncated; None if it is read in full."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= self._read:
            return None
        return Truncation(tokens=len(offsets), read=self._read, unread=text[offsets[self._read][0] :])

    def recognizes(self, text: str) -> bool:
        """Return whether the vocabulary has part of any word in a text: unknown words are split into single bytes.

        A text whose words are single bytes, such as `7`, is recognized.
        """
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        pieces = zip(encoded.word_ids, encoded.tokens, strict=True)
        words = [[token for _, token in group] for _, group in groupby(pieces, key=lambda piece: piece[0])]
        several = [word for word in words if len("".join(word).removesuffix(END_OF_WORD)) > 1]
        return not several or any(_is_merged(token) for word in several for token in word)


def text_reader(source: ModelSource) -> TextReader | None:
    """Return the text reader of a CLIP model; None if it has no CLIP tokenizer.json on this machine."""
    root = contents_of(source)
    if root is None or not (root / "tokenizer.json").is_file():
        return None
    longest = _longest(read_settings(root / "config.json") or {})
    tokenizer = read_clip_tokenizer(root)
    return TextReader(tokenizer, longest) if tokenizer and longest else None


def _longest(config: Mapping[str, Any]) -> int | None:
    """Return the largest number of tokens in a text; 77 is the default of transformers' CLIPTextConfig."""
    text = config.get("text_config")
    longest = text.get("max_position_embeddings", 77) if isinstance(text, dict) else None
    return longest if type(longest) is int and longest > 2 else None


def _is_merged(token: str) -> bool:
    return len(token.removesuffix(END_OF_WORD)) > 1
