"""How much of a prompt CLIP reads. Needs no torch: the tokenizers of a checkpoint are read from its files."""

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


_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
"""Under which names transformers looks for weights."""

_PROCESSOR = ("preprocessor_config.json", "processor_config.json")
_VOCABULARY = ("tokenizer.json", "vocab.json")
_ADAPTER = "adapter_config.json"
"""By which transformers lays an adapter over the weights, and takes these from wherever it says."""


def misfit_of(part: ClipSpec | ClassifierSpec) -> str | None:
    """Return what is wrong with the checkpoint of a CLIP model or a classifier, as a clause; None for nothing.

    Of what is not on this machine yet, as a hub id that was never loaded, nothing is known.
    """
    place = contents_of(part.source)
    if place is None:
        return None
    if place.is_file():
        return "it is a single file, not a folder with its configuration beside the weights"
    if (place / _ADAPTER).is_file():
        return f"there is an {_ADAPTER} in it: weights of another model would be laid over its own"
    config = read_settings(place / "config.json")
    if config is None:
        # Of the hub's, another part may have been loaded that had no need of it.
        return None if part.source.kind == "hub" else "there is no config.json in it"
    is_clip = isinstance(part, ClipSpec)
    clauses = [*(_not_clip(config) if is_clip else _no_classifier(config))]
    if part.source.kind != "hub":
        clauses += _missing(place, (_WEIGHTS, _PROCESSOR, *((_VOCABULARY,) if is_clip else ())))
    return clauses[0] if clauses else None


def _not_clip(config: Mapping[str, Any]) -> Iterator[str]:
    kind = config.get("model_type")
    if kind != "clip":
        yield f"its config.json is that of a model of type {kind!r}, not 'clip'"
    elif not all(isinstance(config.get(half), dict) for half in ("text_config", "vision_config")):
        yield "its config.json does not describe both halves of a CLIPModel: text_config and vision_config"


def _no_classifier(config: Mapping[str, Any]) -> Iterator[str]:
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
            yield f"there is no {' or '.join(names)} in it"


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
