"""Prompts that CLIP does not read in full cause a warning."""

import shutil

import pytest

from tests.checkpoints.textual_inversion import save_textual_inversion

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
COMPEL = "With render.prompt_syntax: compel, all tokens are read."
FULL = " ".join(["star"] * 75)


@pytest.mark.parametrize(("pipeline", "pretrained"), [(SD, "@sd"), (XL, "@xl")])
def test_a_truncated_prompt_is_reported_with_its_unread_text(pipeline, pretrained, warnings_of):
    blend = {"kind": "interpolate", "prompts": [FULL, f"{FULL} in a Blue  bowl"], "frames": 3}
    assert warnings_of(pipeline, pretrained, {"negative_prompt": f"{FULL} dull"}, blend) == [
        f"animation.prompts[1]: 79 tokens, of which CLIP reads 75; unread: 'in a Blue  bowl'. {COMPEL}",
        f"render.negative_prompt: 76 tokens, of which CLIP reads 75; unread: 'dull'. {COMPEL}",
    ]


def test_a_weighted_prompt_is_read_to_its_end(warnings_of):
    circle = {"kind": "circle", "prompt": f"{FULL} (red)++", "frames": 3}
    assert warnings_of(SD, "@sd", {"prompt_syntax": "compel"}, circle) == []


def test_a_textual_inversion_counts_one_token_per_vector(warnings_of, tmp_path):
    save_textual_inversion(tmp_path / "two", vectors=2)
    circle = {"kind": "circle", "prompt": FULL.replace("star", "<doodle>", 1), "frames": 3}
    words = [{"pretrained": str(tmp_path / "two")}]
    assert warnings_of(SD, "@sd", {}, circle, textual_inversions=[{"pretrained": "@doodle"}]) == []
    assert warnings_of(SD, "@sd", {}, circle, textual_inversions=words) == [
        f"animation.prompt: 76 tokens, of which CLIP reads 75; unread: 'star'. {COMPEL}"
    ]


def test_the_tokens_of_other_encoders_are_not_counted(warnings_of):
    pipeline = "PixArtSigmaPipeline"
    assert (
        warnings_of(pipeline, f"@{pipeline}", {}, {"kind": "circle", "prompt": FULL * 9, "frames": 3}) == []
    )


def test_without_a_tokenizer_there_is_no_warning(saved, warnings_of, tmp_path):
    copy = shutil.copytree(saved("sd"), tmp_path / "copy", ignore=shutil.ignore_patterns("tokenizer.json"))
    assert warnings_of(SD, str(copy), {}, {"kind": "circle", "prompt": FULL * 9, "frames": 3}) == []
