"""Prompts are measured as by transformers' CLIPTokenizer, with either layout of its files."""

import random

import pytest
from transformers import CLIPTokenizer

from farm import models
from farm.inputs.checkpoints.tokenizers import Truncation, read_prompt_length
from tests.checkpoints.tokenizers import clip_tokenizer, t5_tokenizer

WORDS = (
    "a",
    "Red",
    "star's",
    "beach  at",
    "Été",
    "日本",
    "12.5",
    "!!",
    "don't",
    "\n",
    "<|endoftext|>",
    "🦊",
    "ﬁ",
)
"""Words that are split, lowercased, composed, or unknown; random.Random(0) draws the prompts from them."""


@pytest.fixture(params=["tokenizer.json", "vocab.json and merges.txt"])
def folder(request, tmp_path):
    """The tokenizer of the shipped checkpoint, for 32 tokens, in either layout."""
    own = models.find("tiny-world").path / "tokenizer"
    names = ["tokenizer.json"] if request.param == "tokenizer.json" else ["vocab.json", "merges.txt"]
    for name in (*names, "tokenizer_config.json"):
        (tmp_path / name).write_bytes((own / name).read_bytes())
    return tmp_path


def test_a_prompt_is_truncated_where_transformers_truncates_it(folder):
    draw, theirs, ours = (
        random.Random(0),
        CLIPTokenizer.from_pretrained(folder),
        read_prompt_length(folder, {}),
    )
    lengths = set()
    for _ in range(300):
        prompt = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 30)))
        tokens = len(theirs(prompt).input_ids) - 2
        cut = ours.truncation(prompt)
        assert (cut is None) == (tokens <= 30)
        if cut:
            assert cut.tokens == tokens
            # A word that is truncated in the middle is reported in full.
            assert len(theirs(prompt[: -len(cut.unread)]).input_ids) - 2 <= cut.read == 30
        lengths.add(tokens)
    assert min(lengths) < 30 < max(lengths)


def test_the_unread_text_is_reported_as_written(folder):
    stars = "a red star " * 10
    assert read_prompt_length(folder, {}).truncation(f"{stars}At  Night") == Truncation(
        tokens=32, read=30, unread="At  Night"
    )


def test_a_textual_inversion_counts_one_token_per_vector(folder):
    length = read_prompt_length(folder, {"<doodle>": 3})
    assert length.truncation("star " * 27 + "<doodle>") is None
    assert length.truncation("star " * 28 + "<doodle>") == Truncation(tokens=31, read=30, unread="<doodle>")


def test_other_tokenizers_are_not_read(tmp_path):
    t5_tokenizer().save_pretrained(tmp_path / "t5")
    assert read_prompt_length(tmp_path / "t5", {}) is None
    assert read_prompt_length(tmp_path / "nothing", {}) is None
    clip_tokenizer().save_pretrained(tmp_path / "clip")
    (tmp_path / "clip" / "tokenizer.json").write_text("{")
    assert read_prompt_length(tmp_path / "clip", {}) is None
