"""What a manifest says and diffusers leaves aside is remarked upon."""

import pytest

SD, FLUX = "StableDiffusionPipeline", "FluxPipeline"
GUIDED = "has no effect; needed: a guidance_scale above 1."
LED = "has no effect; needed: a true_cfg_scale above 1."


@pytest.mark.parametrize("pipeline", ["StableDiffusionPipeline", "StableDiffusion3Pipeline", "SanaPipeline"])
def test_without_guidance_nothing_leads_away(pipeline, remarked):
    asked = {"guidance_scale": {0: 1.0, 2: 0.5}, "negative_prompt": "dull"}
    circle = {"kind": "circle", "prompt": "a star", "frames": 3}
    assert remarked(pipeline, f"@{pipeline}", asked, circle) == [f"render.negative_prompt: {GUIDED}"]
    asked["guidance_scale"][1] = 1.1
    assert remarked(pipeline, f"@{pipeline}", asked, circle) == []
    assert remarked(pipeline, f"@{pipeline}", {"guidance_scale": 1.0, "negative_prompt": ""}) == []


def test_without_guidance_nothing_is_rescaled(remarked):
    assert remarked(SD, "@sd", {"guidance_scale": 1.0, "guidance_rescale": 0.7}) == [
        f"render.guidance_rescale: {GUIDED}"
    ]
    sweep = {
        "kind": "sweep",
        "prompt": "a star",
        "over": {"guidance_rescale": [0, 0.5], "guidance_scale": [0, 1]},
    }
    assert remarked(SD, "@sd", {}, sweep) == [f"animation.over.guidance_rescale: {GUIDED}"]
    sweep["over"]["guidance_scale"] = [1, 5]
    assert remarked(SD, "@sd", {}, sweep) == []


def test_flux_needs_both_a_scale_and_words_to_be_led_away_from(remarked):
    at = f"@{FLUX}"
    assert remarked(FLUX, at, {"negative_prompt": "dull"}) == [f"render.negative_prompt: {LED}"]
    assert remarked(FLUX, at, {"true_cfg_scale": 4.0}) == [
        "render.true_cfg_scale: has no effect; needed: a negative_prompt, which may be empty."
    ]
    assert remarked(FLUX, at, {"true_cfg_scale": 4.0, "negative_prompt": ""}) == []
    assert remarked(FLUX, at) == []


def test_eta_needs_a_scheduler_that_takes_it(remarked):
    none = "has no effect; needed: a scheduler that takes it, such as DDIMScheduler; EulerDiscreteScheduler does not."
    euler = {"class": "EulerDiscreteScheduler"}
    assert remarked(SD, "@sd", {"eta": 0.5}) == []
    assert remarked(SD, "@sd", {"eta": 0.0}, scheduler=euler) == []
    assert remarked(SD, "@sd", {"eta": 0.5}, scheduler=euler) == [f"render.eta: {none}"]
    sweep = {
        "kind": "sweep",
        "prompt": "a star",
        "over": {"scheduler": ["EulerDiscreteScheduler", "DDIMScheduler"]},
    }
    assert remarked(SD, "@sd", {"eta": 0.5}, sweep) == []
