"""Arguments that diffusers ignores cause a warning."""

import pytest

from tests.checkpoints.flux import save_flux
from tests.pictures import draw

SD, FLUX = "StableDiffusionPipeline", "FluxPipeline"
NEEDS_GUIDANCE = "has no effect; needed: a guidance_scale above 1."
NEEDS_CFG = "has no effect; needed: a true_cfg_scale above 1."


@pytest.mark.parametrize("pipeline", ["StableDiffusionPipeline", "StableDiffusion3Pipeline", "SanaPipeline"])
def test_a_negative_prompt_needs_guidance(pipeline, warnings_of):
    render = {"guidance_scale": {0: 1.0, 2: 0.5}, "negative_prompt": "dull"}
    circle = {"kind": "circle", "prompt": "a star", "frames": 3}
    assert warnings_of(pipeline, f"@{pipeline}", render, circle) == [
        f"render.negative_prompt: {NEEDS_GUIDANCE}"
    ]
    render["guidance_scale"][1] = 1.1
    assert warnings_of(pipeline, f"@{pipeline}", render, circle) == []
    assert warnings_of(pipeline, f"@{pipeline}", {"guidance_scale": 1.0, "negative_prompt": ""}) == []


def test_rescaling_needs_guidance(warnings_of):
    assert warnings_of(SD, "@sd", {"guidance_scale": 1.0, "guidance_rescale": 0.7}) == [
        f"render.guidance_rescale: {NEEDS_GUIDANCE}"
    ]
    sweep = {
        "kind": "sweep",
        "prompt": "a star",
        "over": {"guidance_rescale": [0, 0.5], "guidance_scale": [0, 1]},
    }
    assert warnings_of(SD, "@sd", {}, sweep) == [f"animation.over.guidance_rescale: {NEEDS_GUIDANCE}"]
    sweep["over"]["guidance_scale"] = [1, 5]
    assert warnings_of(SD, "@sd", {}, sweep) == []


def test_flux_needs_both_a_scale_and_a_negative_prompt(warnings_of):
    at = f"@{FLUX}"
    assert warnings_of(FLUX, at, {"negative_prompt": "dull"}) == [f"render.negative_prompt: {NEEDS_CFG}"]
    assert warnings_of(FLUX, at, {"true_cfg_scale": 4.0}) == [
        "render.true_cfg_scale: has no effect; needed: a negative_prompt, which may be empty."
    ]
    assert warnings_of(FLUX, at, {"true_cfg_scale": 4.0, "negative_prompt": ""}) == []
    assert warnings_of(FLUX, at) == []


def test_qwen_image_has_a_default_scale_and_needs_a_negative_prompt(warnings_of):
    qwen, at = "QwenImagePipeline", "@QwenImagePipeline"
    needed = "has no effect; needed: a negative_prompt, which may be empty."
    assert warnings_of(qwen, at) == [f"render.true_cfg_scale: 4, the pipeline's own default, {needed}"]
    assert warnings_of(qwen, at, {"true_cfg_scale": 3.0}) == [f"render.true_cfg_scale: {needed}"]
    assert warnings_of(qwen, at, {"negative_prompt": ""}) == []
    assert warnings_of(qwen, at, {"true_cfg_scale": 1.0}) == []
    assert warnings_of(qwen, at, {"true_cfg_scale": 1.0, "negative_prompt": "dull"}) == [
        f"render.negative_prompt: {NEEDS_CFG}"
    ]


def test_z_image_is_guided_above_0(warnings_of):
    z, at = "ZImagePipeline", "@ZImagePipeline"
    assert warnings_of(z, at, {"guidance_scale": 0.0, "negative_prompt": "dull"}) == [
        "render.negative_prompt: has no effect; needed: a guidance_scale above 0."
    ]
    assert warnings_of(z, at, {"guidance_scale": 0.5, "negative_prompt": "dull"}) == []
    assert warnings_of(z, at, {"guidance_scale": 0.0}) == []


def test_negative_sizes_need_guidance(warnings_of):
    xl = "StableDiffusionXLPipeline"
    sizes = {
        f"negative_{name}": [16, 16] for name in ("original_size", "target_size", "crops_coords_top_left")
    }
    assert warnings_of(xl, "@xl", {"guidance_scale": 1.0, **sizes}) == [
        f"render.{name}: {NEEDS_GUIDANCE}" for name in sizes
    ]
    assert warnings_of(xl, "@xl", {"guidance_scale": 1.0}) == []
    assert warnings_of(xl, "@xl", sizes) == []


def test_a_walk_with_a_step_size_of_zero_stays_at_the_prompt(warnings_of):
    walk = {"kind": "walk", "prompt": "a star", "frames": 3, "step_size": 0}
    assert warnings_of(SD, "@sd", {}, walk) == [
        "animation.step_size: found 0, so every frame stays at the prompt; needed: another number, such as 0.005."
    ]
    assert warnings_of(SD, "@sd", {}, walk | {"step_size": -0.1}) == []


def test_eta_needs_a_scheduler_that_takes_it(warnings_of):
    none = "has no effect; needed: a scheduler that takes it, such as DDIMScheduler; EulerDiscreteScheduler does not."
    euler = {"class": "EulerDiscreteScheduler"}
    assert warnings_of(SD, "@sd", {"eta": 0.5}) == []
    assert warnings_of(SD, "@sd", {"eta": 0.0}, scheduler=euler) == []
    assert warnings_of(SD, "@sd", {"eta": 0.5}, scheduler=euler) == [f"render.eta: {none}"]
    sweep = {
        "kind": "sweep",
        "prompt": "a star",
        "over": {"scheduler": ["EulerDiscreteScheduler", "DDIMScheduler"]},
    }
    assert warnings_of(SD, "@sd", {"eta": 0.5}, sweep) == []


def test_a_guidance_scale_needs_a_guidance_distilled_model(warnings_of, tmp_path):
    schnell = str(save_flux(tmp_path / "schnell", guidance_embeds=False))
    none = "has no effect; needed: a guidance-distilled model (guidance_embeds), which"
    assert warnings_of(FLUX, schnell, {"guidance_scale": 5.0}) == [
        f"render.guidance_scale: {none} schnell is not."
    ]
    assert warnings_of(FLUX, schnell, {"guidance_scale": 0.0}) == []
    assert warnings_of(FLUX, schnell) == []
    assert warnings_of(FLUX, f"@{FLUX}", {"guidance_scale": 5.0}) == []
    sweep = {"kind": "sweep", "prompt": "a star", "over": {"guidance_scale": [1, 3.5]}}
    assert warnings_of(FLUX, schnell, {}, sweep) == [f"animation.over.guidance_scale: {none} schnell is not."]
    qwen, at = "QwenImagePipeline", "@QwenImagePipeline"
    assert warnings_of(qwen, at, {"guidance_scale": 5.0, "negative_prompt": ""}) == [
        f"render.guidance_scale: {none} {at} is not."
    ]


def test_aesthetic_scores_need_a_model_conditioned_on_them(warnings_of, tmp_path):
    draw(1, width=16, height=16).save(tmp_path / "a.png")
    start, scores = (
        "StableDiffusionXLImg2ImgPipeline",
        {"aesthetic_score": 7.0, "negative_aesthetic_score": 2.0},
    )
    needed = "a model conditioned on aesthetic scores (requires_aesthetics_score), which @xl is not"
    none = f"has no effect; needed: {needed}."
    assert warnings_of(start, "@xl", {"image": "a.png", **scores}) == [
        f"render.{name}: {none}" for name in scores
    ]
    assert warnings_of(start, "@refiner", {"image": "a.png", **scores}) == []
    assert warnings_of(start, "@xl", {"image": "a.png"}) == []
    base, refined = "StableDiffusionXLPipeline", {"refiner": {"pretrained": "@refiner"}}
    assert warnings_of(base, "@xl", {"denoising_end": 0.5, **scores}, **refined) == []


def test_pacing_has_no_effect_with_explicit_alphas(warnings_of):
    listed = {"kind": "interpolate", "prompts": ["a star", "a fish"], "alphas": [0, 0.2, 1]}
    assert warnings_of(SD, "@sd", {}, {**listed, "pacing": "perceptual"}) == [
        "animation.pacing: 'perceptual' has no effect with explicit alphas; needed: no alphas, so that a "
        "pilot chooses them."
    ]
    assert warnings_of(SD, "@sd", {}, listed) == []
    paced = {"kind": "interpolate", "prompts": ["a star", "a fish"], "frames": 3, "pacing": "perceptual"}
    assert warnings_of(SD, "@sd", {}, paced) == []
