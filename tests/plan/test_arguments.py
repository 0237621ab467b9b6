"""The arguments of the pipeline call, and animations whose calls render one frame."""

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
    pictures = {f"{name}.png": source(f"{name}.png") for name in "abc"}
    return make_plan(
        parse(text, Path("m.yaml")).manifest,
        ProceduralSpec(),
        pictures | {f"{name}.png": each for name, each in sources.items()},
    )


NET = "{pretrained: ./a}"
IP_ADAPTER = "{pretrained: ./a, weight_name: a.safetensors}"


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
def test_a_call_has_the_defaults_of_the_pipeline_and_no_unsupported_arguments(
    pipeline: str, expected: dict[str, object]
) -> None:
    assert plan_of(pipeline).frame(0).recipe.arguments == expected


def test_pairs_are_split_and_a_refiner_adds_scores() -> None:
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


def test_a_number_applies_to_every_controlnet_and_a_list_to_each_its_own() -> None:
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
def test_frames_that_differ_in_a_single_valued_argument_are_in_chunks_of_one_frame(
    render: str, model: str, pipeline: str
) -> None:
    assert plan_of(pipeline, render, model).batch_size == 1


@pytest.mark.parametrize(
    ("render", "model", "pipeline"),
    [
        ("image: a.png, strength: {0: 0.5, 4: 0.5}", "", "StableDiffusionImg2ImgPipeline"),
        ("ip_adapter_image: {0: a.png, 4: b.png}", f"ip_adapters: [{IP_ADAPTER}]", "StableDiffusionPipeline"),
    ],
)
def test_equal_keyframes_and_image_prompts_do_not_change_chunks(
    render: str, model: str, pipeline: str
) -> None:
    assert plan_of(pipeline, render, model).batch_size == 4


def test_the_syntax_of_prompts_is_part_of_the_recipe() -> None:
    plain, weighted = (
        plan_of("StableDiffusionPipeline"),
        plan_of("StableDiffusionPipeline", "prompt_syntax: compel"),
    )
    assert [plan.frame(0).recipe.conditioning.syntax for plan in (plain, weighted)] == ["plain", "compel"]
    assert plain.frame(0).digest != weighted.frame(0).digest


def test_an_omitted_negative_prompt_is_none_and_not_empty() -> None:
    empty = plan_of("StableDiffusionPipeline", 'negative_prompt: ""')
    conditionings = [
        plan.frame(0).recipe.conditioning for plan in (plan_of("StableDiffusionPipeline"), empty)
    ]
    assert [conditioning.negative_prompt for conditioning in conditionings] == [None, ""]


@pytest.mark.parametrize(
    ("render", "pipeline"),
    [("", "QwenImagePipeline"), ("", "ZImagePipeline"), ("prompt_syntax: compel", "StableDiffusionPipeline")],
)
def test_the_prompts_of_the_chunk_are_part_of_the_recipe_if_they_are_padded_to_the_longest(
    render: str, pipeline: str
) -> None:
    plan = plan_of(pipeline, render)
    prompts = [plan.frame(index).recipe.conditioning.prompts for index in range(plan.frame_count)]
    of_chunks = [plan.frame(index).recipe.conditioning.beside for index in range(plan.frame_count)]
    assert of_chunks == [tuple(prompts[:4])] * 4 + [tuple(prompts[4:])]


def test_the_prompts_of_the_chunk_are_otherwise_not_part_of_the_recipe() -> None:
    plan = plan_of("StableDiffusionPipeline")
    assert {plan.frame(index).recipe.conditioning.beside for index in range(plan.frame_count)} == {()}
