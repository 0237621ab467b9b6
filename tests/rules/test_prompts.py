"""Prompts that CLIP reads a part of are remarked upon."""

import shutil

import pytest

from tests.checkpoints.textual_inversion import save_textual_inversion

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
COMPEL = "With render.prompt_syntax: compel, all tokens are read."
FULL = " ".join(["star"] * 75)


@pytest.mark.parametrize(("pipeline", "pretrained"), [(SD, "@sd"), (XL, "@xl")])
def test_a_truncated_prompt_is_reported_with_its_unread_text(pipeline, pretrained, remarked):
    blend = {"kind": "interpolate", "prompts": [FULL, f"{FULL} in a Blue  bowl"], "frames": 3}
    assert remarked(pipeline, pretrained, {"negative_prompt": f"{FULL} dull"}, blend) == [
        f"animation.prompts[1]: 79 tokens, of which CLIP reads 75; unread: 'in a Blue  bowl'. {COMPEL}",
        f"render.negative_prompt: 76 tokens, of which CLIP reads 75; unread: 'dull'. {COMPEL}",
    ]


def test_a_weighted_prompt_is_read_to_its_end(remarked):
    circle = {"kind": "circle", "prompt": f"{FULL} (red)++", "frames": 3}
    assert remarked(SD, "@sd", {"prompt_syntax": "compel"}, circle) == []


def test_a_learned_word_is_as_many_tokens_as_it_has_vectors(remarked, tmp_path):
    save_textual_inversion(tmp_path / "two", vectors=2)
    circle = {"kind": "circle", "prompt": FULL.replace("star", "<doodle>", 1), "frames": 3}
    words = [{"pretrained": str(tmp_path / "two")}]
    assert remarked(SD, "@sd", {}, circle, textual_inversions=[{"pretrained": "@doodle"}]) == []
    assert remarked(SD, "@sd", {}, circle, textual_inversions=words) == [
        f"animation.prompt: 76 tokens, of which CLIP reads 75; unread: 'star'. {COMPEL}"
    ]


def test_the_words_of_other_encoders_are_not_counted(remarked):
    pipeline = "PixArtSigmaPipeline"
    assert remarked(pipeline, f"@{pipeline}", {}, {"kind": "circle", "prompt": FULL * 9, "frames": 3}) == []


def test_without_a_tokenizer_nothing_is_said(shelf, remarked, tmp_path):
    copy = shutil.copytree(shelf("sd"), tmp_path / "copy", ignore=shutil.ignore_patterns("tokenizer.json"))
    assert remarked(SD, str(copy), {}, {"kind": "circle", "prompt": FULL * 9, "frames": 3}) == []
