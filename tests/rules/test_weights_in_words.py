"""Weights in plain prompts are remarked upon; what only looks like one is not."""

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
def test_a_weight_in_a_plain_prompt_is_no_weight(remarked, prompt, weight):
    as_it_stands = "is not a weight in plain syntax, and is read literally; needed: plain words."
    told = f"animation.prompts[0]: '{weight}' {as_it_stands}"
    assert remarked(SD, "@sd", {}, _still(prompt)) == [told + HINT]
    assert remarked(FLUX, f"@{FLUX}", {}, _still(prompt)) == [told]


@pytest.mark.parametrize(
    "prompt",
    ["a (red) star", "(red)-haired", "a film (16:9)", "C++", "a star (of 1969)", "one - two -- three"],
)
def test_what_only_looks_like_a_weight_is_words(remarked, prompt):
    assert remarked(SD, "@sd", {}, _still(prompt)) == []


def test_weights_that_are_read_are_not_remarked_upon(remarked):
    assert remarked(SD, "@sd", {"prompt_syntax": "compel"}, _still("a (red:1.5) star")) == []
