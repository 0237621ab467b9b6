"""CLIP's tokenizer, made of a checkpoint's vocabulary as transformers makes it. Needs no torch.

Of a `tokenizer.json` the vocabulary alone is taken: transformers' CLIPTokenizer has its own regular expressions, and
those of a file may take hours, or end the process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from farm.errors import STOPPING
from farm.inputs.checkpoints.bounded_json import MAX_VOCABULARY, open_regular, read_json

END_OF_WORD = "</w>"
"""Ends the last token of a word in CLIP's vocabularies."""

_UNKNOWN = "<|endoftext|>"
_ENDS = ("<|startoftext|>", _UNKNOWN)
_MAX_ADDED, _MAX_WORD = 10_000, 1000

_WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
"""As transformers' CLIPTokenizer splits a prompt."""


def read_clip_tokenizer(folder: Path) -> Tokenizer | None:
    """Return the tokenizer of a folder with either layout of files; None where it has none of CLIP's kind.

    What is wrong with the files, the worker tells that loads them.
    """
    try:
        vocabulary, merges, added = (
            _of_one(folder) if (folder / "tokenizer.json").is_file() else _of_two(folder)
        )
        return _tokenizer(vocabulary, merges, added)
    except STOPPING:
        raise
    except BaseException:  # tokenizers raises no class of its own, and gives up with what is no Exception
        return None


def _of_one(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]], list[AddedToken]]:
    whole = read_json(folder / "tokenizer.json", most=MAX_VOCABULARY)
    model = whole["model"]
    if model.get("end_of_word_suffix") != END_OF_WORD:
        raise ValueError("it is none of CLIP's kind")
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    written = whole.get("added_tokens") or []
    return model["vocab"], _pairs(merges), [_added(token) for token in written[:_MAX_ADDED]]


def _of_two(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]], list[AddedToken]]:
    vocabulary = read_json(folder / "vocab.json", most=MAX_VOCABULARY)
    with open_regular(folder / "merges.txt") as stream:
        lines = stream.read(MAX_VOCABULARY).decode("utf-8").splitlines()
    merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    return vocabulary, _pairs(merges), []


def _pairs(merges: list[Any]) -> list[tuple[str, str]]:
    return [(first, second) for first, second in merges]


def _added(token: dict[str, Any]) -> AddedToken:
    word = token["content"]
    if not isinstance(word, str) or len(word) > _MAX_WORD:
        raise ValueError("it adds what is no word")
    return AddedToken(word, normalized=bool(token.get("normalized")), special=bool(token.get("special")))


def _tokenizer(
    vocabulary: dict[str, int], merges: list[tuple[str, str]], added: list[AddedToken]
) -> Tokenizer:
    tokenizer = Tokenizer(
        BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=END_OF_WORD, unk_token=_UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens(list(_ENDS))
    tokenizer.add_tokens(added)
    return tokenizer
