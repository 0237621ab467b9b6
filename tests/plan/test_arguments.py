"""What of a manifest reaches the pipeline's call, and when a call holds one frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.plan import Plan, make_plan
from farm.records import PictureFile, PictureSource, ProceduralSpec
from farm.rules.load import parse


def source(name: str, *, count: int = 1, height: int = 64, width: int = 64) -> PictureSource:
    file = PictureFile(location=f"/{name}", sha256=name, width=width, height=height, count=count)
    return PictureSource(files=(file,), moves=count > 1)


def plan_of(pipeline: str, render: str = "", model: str = "", **sources: PictureSource) -> Plan:
    text = (
        f"version: 1\nname: a\nmodel: {{pipeline: {pipeline}, pretrained: tiny{model and ', ' + model}}}\n"
        f"animation: {{kind: interpolate, prompts: [a, b], frames: 5}}\n"
        f"render: {{batch_size: 4{render and ', ' + render}}}\n"
    )
    found = {f"{name}.png": source(f"{name}.png") for name in "abc"}
    return make_plan(
        parse(text, Path("m.yaml")).manifest,
        ProceduralSpec(),
        found | {f"{name}.png": each for name, each in sources.items()},
    )


NET = "{pretrained: ./a}"
EYE = "{pretrained: ./a, weight_name: a.safetensors}"


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (
            "StableDiffusionPipeline",
            {"num_inference_steps": 50, "guidance_scale": 7.5, "eta": 0.0, "guidance_rescale": 0.0},
        ),
        ("LatentConsistencyModelPipeline", {"num_inference_steps": 4, "guidance_scale": 8.5}),
        (
            "QwenImagePipeline",
            {"num_inference_steps": 50, "true_cfg_scale": 4.0, "max_sequence_length": 512},
        ),
    ],
)
def test_a_call_is_given_the_pipelines_own_defaults_and_nothing_that_it_does_not_take(
    pipeline: str, expected: dict[str, object]
) -> None:
    assert plan_of(pipeline).frame(0).recipe.arguments == expected


def test_pairs_are_given_in_parts_and_a_refiner_its_scores() -> None:
    plan = plan_of(
        "StableDiffusionXLPipeline",
        "original_size: [512, 256], denoising_end: 0.8, negative_aesthetic_score: 1",
        "refiner: {pretrained: ./r}",
    )
    arguments = plan.frame(0).recipe.arguments
    assert (arguments["original_size.0"], arguments["original_size.1"]) == (512, 256)
    assert (arguments["crops_coords_top_left.0"], arguments["crops_coords_top_left.1"]) == (0, 0)
    assert (arguments["aesthetic_score"], arguments["negative_aesthetic_score"]) == (6.0, 1.0)
    assert (arguments["denoising_end"], "original_size" in arguments) == (0.8, False)
    assert plan.batch_size == 4


def test_one_number_is_every_controlnets_and_a_list_each_its_own() -> None:
    plan = plan_of(
        "StableDiffusionControlNetPipeline",
        "image: [a.png, b.png], controlnet_conditioning_scale: [0.5, {0: 0, 4: 1}], control_guidance_end: 0.75",
        f"controlnets: [{NET}, {NET}]",
    )
    arguments = plan.frame(2).recipe.arguments
    assert [arguments[f"controlnet_conditioning_scale.{net}"] for net in (0, 1)] == [0.5, 0.5]
    assert plan.frame(4).recipe.arguments["controlnet_conditioning_scale.1"] == 1.0
    assert [arguments[f"control_guidance_end.{net}"] for net in (0, 1)] == [0.75, 0.75]
    assert [arguments[f"control_guidance_start.{net}"] for net in (0, 1)] == [0.0, 0.0]
    assert "height" not in arguments
    assert plan.batch_size == 1


@pytest.mark.parametrize(
    ("render", "model", "pipeline"),
    [
        ("image: a.png, strength: {0: 0.5, 4: 1}", "", "StableDiffusionImg2ImgPipeline"),
        ("image: a.png, mask_image: b.png, padding_mask_crop: 8", "", "StableDiffusionInpaintPipeline"),
        (
            "negative_original_size: [8, 8], negative_target_size: [8, 8]",
            "",
            "StableDiffusionXLPipeline",
        ),
        (
            "ip_adapter_image: a.png",
            "ip_adapters: [{pretrained: ./a, weight_name: a.safetensors, scale: {0: 0, 4: 1}}]",
            "StableDiffusionPipeline",
        ),
    ],
)
def test_what_a_call_takes_once_makes_chunks_of_one_frame_where_frames_differ_in_it(
    render: str, model: str, pipeline: str
) -> None:
    assert plan_of(pipeline, render, model).batch_size == 1


@pytest.mark.parametrize(
    ("render", "model", "pipeline"),
    [
        ("image: a.png, strength: {0: 0.5, 4: 0.5}", "", "StableDiffusionImg2ImgPipeline"),
        ("ip_adapter_image: {0: a.png, 4: b.png}", f"ip_adapters: [{EYE}]", "StableDiffusionPipeline"),
    ],
)
def test_keyframes_that_are_all_alike_and_image_prompts_leave_chunks_as_they_are(
    render: str, model: str, pipeline: str
) -> None:
    assert plan_of(pipeline, render, model).batch_size == 4


def test_the_language_of_prompts_is_part_of_the_recipe() -> None:
    plain, weighted = (
        plan_of("StableDiffusionPipeline"),
        plan_of("StableDiffusionPipeline", "prompt_syntax: compel"),
    )
    assert [plan.frame(0).recipe.conditioning.syntax for plan in (plain, weighted)] == ["plain", "compel"]
    assert plain.frame(0).digest != weighted.frame(0).digest


def test_a_negative_prompt_that_is_not_given_is_none_and_not_an_empty_one() -> None:
    given = plan_of("StableDiffusionPipeline", 'negative_prompt: ""')
    conditionings = [
        plan.frame(0).recipe.conditioning for plan in (plan_of("StableDiffusionPipeline"), given)
    ]
    assert [conditioning.negative_prompt for conditioning in conditionings] == [None, ""]


@pytest.mark.parametrize(
    ("render", "pipeline"),
    [("", "QwenImagePipeline"), ("", "ZImagePipeline"), ("prompt_syntax: compel", "StableDiffusionPipeline")],
)
def test_where_prompts_are_padded_together_those_of_the_chunk_are_part_of_the_recipe(
    render: str, pipeline: str
) -> None:
    plan = plan_of(pipeline, render)
    prompts = [plan.frame(index).recipe.conditioning.prompts for index in range(plan.frame_count)]
    besides = [plan.frame(index).recipe.conditioning.beside for index in range(plan.frame_count)]
    assert besides == [tuple(prompts[:4])] * 4 + [tuple(prompts[4:])]


def test_elsewhere_a_frame_does_not_know_its_neighbours() -> None:
    plan = plan_of("StableDiffusionPipeline")
    assert {plan.frame(index).recipe.conditioning.beside for index in range(plan.frame_count)} == {()}
