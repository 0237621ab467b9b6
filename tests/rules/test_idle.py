"""What a manifest says and diffusers leaves aside is remarked upon."""

import pytest

from tests.checkpoints.flux import save_flux
from tests.pictures import draw

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


def test_qwen_image_has_a_scale_of_itself_and_needs_words_to_be_led_away_from(remarked):
    qwen, at = "QwenImagePipeline", "@QwenImagePipeline"
    needed = "has no effect; needed: a negative_prompt, which may be empty."
    assert remarked(qwen, at) == [f"render.true_cfg_scale: 4, the pipeline's own default, {needed}"]
    assert remarked(qwen, at, {"true_cfg_scale": 3.0}) == [f"render.true_cfg_scale: {needed}"]
    assert remarked(qwen, at, {"negative_prompt": ""}) == []
    assert remarked(qwen, at, {"true_cfg_scale": 1.0}) == []
    assert remarked(qwen, at, {"true_cfg_scale": 1.0, "negative_prompt": "dull"}) == [
        f"render.negative_prompt: {LED}"
    ]


def test_z_image_is_guided_above_0(remarked):
    z, at = "ZImagePipeline", "@ZImagePipeline"
    assert remarked(z, at, {"guidance_scale": 0.0, "negative_prompt": "dull"}) == [
        "render.negative_prompt: has no effect; needed: a guidance_scale above 0."
    ]
    assert remarked(z, at, {"guidance_scale": 0.5, "negative_prompt": "dull"}) == []
    assert remarked(z, at, {"guidance_scale": 0.0}) == []


def test_without_guidance_the_sizes_of_what_it_leads_away_from_are_idle(remarked):
    xl = "StableDiffusionXLPipeline"
    sizes = {
        f"negative_{name}": [16, 16] for name in ("original_size", "target_size", "crops_coords_top_left")
    }
    assert remarked(xl, "@xl", {"guidance_scale": 1.0, **sizes}) == [
        f"render.{name}: {GUIDED}" for name in sizes
    ]
    assert remarked(xl, "@xl", {"guidance_scale": 1.0}) == []
    assert remarked(xl, "@xl", sizes) == []


def test_a_walk_of_no_steps_stays_where_it_is(remarked):
    walk = {"kind": "walk", "prompt": "a star", "frames": 3, "step_size": 0}
    assert remarked(SD, "@sd", {}, walk) == [
        "animation.step_size: found 0, so every frame stays at the prompt; needed: another number, such as 0.005."
    ]
    assert remarked(SD, "@sd", {}, walk | {"step_size": -0.1}) == []


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


def test_a_model_without_guidance_of_its_own_is_told_no_scale(remarked, tmp_path):
    schnell = str(save_flux(tmp_path / "schnell", guidance_embeds=False))
    none = "has no effect; needed: a guidance-distilled model (guidance_embeds), which"
    assert remarked(FLUX, schnell, {"guidance_scale": 5.0}) == [
        f"render.guidance_scale: {none} schnell is not."
    ]
    assert remarked(FLUX, schnell, {"guidance_scale": 0.0}) == []
    assert remarked(FLUX, schnell) == []
    assert remarked(FLUX, f"@{FLUX}", {"guidance_scale": 5.0}) == []
    sweep = {"kind": "sweep", "prompt": "a star", "over": {"guidance_scale": [1, 3.5]}}
    assert remarked(FLUX, schnell, {}, sweep) == [f"animation.over.guidance_scale: {none} schnell is not."]
    qwen, at = "QwenImagePipeline", "@QwenImagePipeline"
    assert remarked(qwen, at, {"guidance_scale": 5.0, "negative_prompt": ""}) == [
        f"render.guidance_scale: {none} {at} is not."
    ]


def test_scores_are_for_models_that_are_told_them(remarked, tmp_path):
    draw(1, width=16, height=16).save(tmp_path / "a.png")
    start, scores = (
        "StableDiffusionXLImg2ImgPipeline",
        {"aesthetic_score": 7.0, "negative_aesthetic_score": 2.0},
    )
    needed = "a model conditioned on aesthetic scores (requires_aesthetics_score), which @xl is not"
    none = f"has no effect; needed: {needed}."
    assert remarked(start, "@xl", {"image": "a.png", **scores}) == [
        f"render.{name}: {none}" for name in scores
    ]
    assert remarked(start, "@refiner", {"image": "a.png", **scores}) == []
    assert remarked(start, "@xl", {"image": "a.png"}) == []
    base, refined = "StableDiffusionXLPipeline", {"refiner": {"pretrained": "@refiner"}}
    assert remarked(base, "@xl", {"denoising_end": 0.5, **scores}, **refined) == []


def test_pacing_beside_listed_alphas_chooses_nothing(remarked):
    listed = {"kind": "interpolate", "prompts": ["a star", "a fish"], "alphas": [0, 0.2, 1]}
    assert remarked(SD, "@sd", {}, {**listed, "pacing": "perceptual"}) == [
        "animation.pacing: 'perceptual' has no effect with explicit alphas; needed: no alphas, so that a "
        "pilot chooses them."
    ]
    assert remarked(SD, "@sd", {}, listed) == []
    paced = {"kind": "interpolate", "prompts": ["a star", "a fish"], "frames": 3, "pacing": "perceptual"}
    assert remarked(SD, "@sd", {}, paced) == []
