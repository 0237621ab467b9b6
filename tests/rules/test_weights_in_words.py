"""Weights in plain prompts cause a warning; text that only resembles one does not."""

import pytest

SD, FLUX = "StableDiffusionPipeline", "FluxPipeline"
HINT = " With render.prompt_syntax: compel, words can be weighted."


def _still(*prompts):
    return {"kind": "stills", "prompts": prompts}


@pytest.mark.parametrize(
    ("prompt", "weight"),
    [
        ("a (red:1.5) star", "(red:1.5)"),
        ("a (red)1.5 star", "(red)1.5"),
        ("a (red)++ star", "(red)++"),
        ("a (red)- star", "(red)-"),
        ("a red++ star", "red++"),
        ('("a star", "a fish").blend(0.3, 0.7)', ").blend("),
    ],
)
def test_a_weight_in_a_plain_prompt_causes_a_warning(warnings_of, prompt, weight):
    message = "is not a weight in plain syntax, and is read literally; needed: plain words."
    warning = f"animation.prompts[0]: '{weight}' {message}"
    assert warnings_of(SD, "@sd", {}, _still(prompt)) == [warning + HINT]
    assert warnings_of(FLUX, f"@{FLUX}", {}, _still(prompt)) == [warning]


@pytest.mark.parametrize(
    "prompt",
    ["a (red) star", "(red)-haired", "a film (16:9)", "C++", "a star (of 1969)", "one - two -- three"],
)
def test_text_that_resembles_a_weight_causes_no_warning(warnings_of, prompt):
    assert warnings_of(SD, "@sd", {}, _still(prompt)) == []


def test_weights_in_compel_syntax_cause_no_warning(warnings_of):
    assert warnings_of(SD, "@sd", {"prompt_syntax": "compel"}, _still("a (red:1.5) star")) == []
