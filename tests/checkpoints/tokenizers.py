"""Tokenizers of the real classes, built in memory: some words are one token, everything else is split into bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from transformers import BertTokenizer, CLIPTokenizer, GemmaTokenizer, Qwen2Tokenizer, T5Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

_COMMON = (
    "a the of on in at and with red green blue yellow black white star circle square triangle dog cat fruit bowl "
    "beach photo painting watercolor style dull blurry high quality sky night"
)
WORDS = tuple(_COMMON.split())
_DESCRIBE = (
    "Describe image by detailing color shape size texture quantity text spatial relationships "
    "objects background"
)
_QWEN_WORDS = tuple(_DESCRIBE.split())
"""The words of Qwen-Image's template before the prompt: 34 tokens, if each is one; the pipeline drops as many."""

_QWEN_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def clip_tokenizer(*, pad: str = "<|endoftext|>") -> CLIPTokenizer:
    """77 tokens at most; SDXL's second one pads with `!`."""
    letters = list(bytes_to_unicode().values())
    singles = [*letters, *(letter + "</w>" for letter in letters)]
    merges = _merges([[*word[:-1], word[-1] + "</w>"] for word in WORDS])
    special = ["<|startoftext|>", "<|endoftext|>"]
    vocab = _vocab([*singles, *map("".join, merges), *special])
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad, model_max_length=77)


def t5_tokenizer() -> T5Tokenizer:
    """Pieces of SentencePiece's unigrams, 100 sentinels at the end as in T5."""
    letters = [chr(code) for code in range(33, 127)]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [(f"▁{word}", -4.0) for word in WORDS if len(word) > 1] + [(letter, -6.0) for letter in letters]
    pieces += [(f"<extra_id_{number}>", 0.0) for number in reversed(range(100))]
    return T5Tokenizer(vocab=pieces, model_max_length=512)


def bert_tokenizer() -> BertTokenizer:
    """Word pieces in lower case."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer(
        vocab=_vocab([*pieces, *(word for word in WORDS if len(word) > 1)]), model_max_length=77
    )


def gemma_tokenizer() -> GemmaTokenizer:
    """Byte pairs over characters; other characters are split into bytes."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    letters = ["▁", *(chr(code) for code in range(33, 127))]
    merges = _merges([list(f"▁{word}") for word in WORDS])
    vocab = _vocab([*special, *letters, *map("".join, merges)])
    return GemmaTokenizer(vocab=vocab, merges=merges, add_bos_token=True, model_max_length=512)


def qwen_tokenizer() -> Qwen2Tokenizer:
    """Byte pairs with a chat template like Qwen's."""
    merges = _merges([list(word) for word in ("system", "user", "assistant", *_QWEN_WORDS)])
    spaced = [list(f"Ġ{word}") for word in (*_QWEN_WORDS, *WORDS)]
    merges = _merges(spaced, after=merges)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocab = _vocab([*bytes_to_unicode().values(), *map("".join, merges), *special])
    words = Qwen2Tokenizer(
        vocab=vocab, merges=merges, model_max_length=1024, extra_special_tokens=special[1:]
    )
    words.chat_template = _QWEN_CHAT
    return words


def _vocab(pieces: list[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def _merges(words: list[list[str]], *, after: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """Return merges that make each word one token, to apply `after` existing ones."""
    merges = list(after)
    for word in words:
        while len(pieces := _merged(word, merges)) > 1:
            merges.append((pieces[0], pieces[1]))
    return merges


def _merged(pieces: list[str], merges: list[tuple[str, str]]) -> list[str]:
    rank = {pair: number for number, pair in enumerate(merges)}
    while True:
        pairs = list(itertools.pairwise(pieces))
        first = min(pairs, key=lambda pair: rank.get(pair, len(rank)), default=None)
        if first not in rank:
            return pieces
        at = pairs.index(first)
        pieces = [*pieces[:at], "".join(first), *pieces[at + 2 :]]
