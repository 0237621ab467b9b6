"""Builds CLIP's tokenizer from a checkpoint's vocabulary, like transformers. Needs no torch.

Only the vocabulary of a `tokenizer.json` is used: transformers' CLIPTokenizer has fixed regular expressions, and those
of an untrusted file may take hours, or crash the process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from farm.errors import STOPPING
from farm.inputs.checkpoints.bounded_json import MAX_VOCABULARY, open_regular, read_json

END_OF_WORD = "</w>"
"""The suffix of a word's last token in CLIP's vocabularies."""

_UNKNOWN = "<|endoftext|>"
_ENDS = ("<|startoftext|>", _UNKNOWN)
_MAX_ADDED, _MAX_WORD = 10_000, 1000

_WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
"""How transformers' CLIPTokenizer splits a prompt."""


def read_clip_tokenizer(folder: Path) -> Tokenizer | None:
    """Return the tokenizer in a folder with either layout of files; None if it is not CLIP's.

    The worker that loads the files reports errors in them.
    """
    try:
        vocabulary, merges, added = (
            _from_json(folder) if (folder / "tokenizer.json").is_file() else _from_vocabulary(folder)
        )
        return _tokenizer(vocabulary, merges, added)
    except STOPPING:
        raise
    except BaseException:  # tokenizers has no exception class of its own, and its panics are not an Exception
        return None


def _from_json(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]], list[AddedToken]]:
    content = read_json(folder / "tokenizer.json", max_bytes=MAX_VOCABULARY)
    model = content["model"]
    if model.get("end_of_word_suffix") != END_OF_WORD:
        raise ValueError("it is not CLIP's tokenizer")
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    written = content.get("added_tokens") or []
    return model["vocab"], _pairs(merges), [_added(token) for token in written[:_MAX_ADDED]]


def _from_vocabulary(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]], list[AddedToken]]:
    vocabulary = read_json(folder / "vocab.json", max_bytes=MAX_VOCABULARY)
    with open_regular(folder / "merges.txt") as stream:
        lines = stream.read(MAX_VOCABULARY).decode("utf-8").splitlines()
    merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    return vocabulary, _pairs(merges), []


def _pairs(merges: list[Any]) -> list[tuple[str, str]]:
    return [(first, second) for first, second in merges]


def _added(token: dict[str, Any]) -> AddedToken:
    word = token["content"]
    if not isinstance(word, str) or len(word) > _MAX_WORD:
        raise ValueError("an added token is not a word")
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
