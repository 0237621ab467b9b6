from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.manifest import Manifest
from farm.manifest.pipelines import PIPELINES, Traits
from farm.rules.load import parse

START = "version: 1\nname: a\n"
MOTION = "animation: {kind: circle, prompt: a, frames: 4}\n"


def _text(pipeline: str, model: str = "", render: str = "", animation: str = MOTION) -> str:
    return (
        f"{START}model: {{pipeline: {pipeline}, pretrained: tiny{model and ', ' + model}}}\n"
        f"{animation}render: {{{render}}}\n"
    )


def _with(take: Any) -> str:
    return "allowed: with " + ", ".join(name for name, traits in PIPELINES.items() if take(traits)) + "."


def _taking(argument: str) -> str:
    return _with(lambda traits: argument in traits.arguments)


def _said(problems: Any, text: str) -> list[str]:
    return [line.split(": ", 1)[1] for line in problems(text)]


@pytest.mark.parametrize(
    ("pipeline", "argument", "value"),
    [
        ("FluxPipeline", "eta", "0.5"),
        ("LDMTextToImagePipeline", "negative_prompt", "dull"),
        ("StableDiffusionPipeline", "controlnet_conditioning_scale", "0.5"),
        ("StableDiffusionPipeline", "strength", "0.5"),
        ("StableDiffusionPipeline", "image", "a.png"),
        ("StableDiffusionPipeline", "original_size", "[64, 64]"),
        ("StableDiffusionXLPipeline", "aesthetic_score", "6"),
        ("StableDiffusionXLPipeline", "true_cfg_scale", "2"),
    ],
)
def test_an_argument_that_the_pipeline_does_not_take_is_told_with_those_that_do(
    problems: Any, pipeline: str, argument: str, value: str
) -> None:
    assert _said(problems, _text(pipeline, render=f"{argument}: {value}")) == [
        f"render.{argument}: {pipeline} takes no {argument}; {_taking(argument)}"
    ]
    parse(_text(pipeline, render=f"{argument}: null"), Path("a.yaml"))


def test_a_picture_has_a_size_of_its_own(problems: Any) -> None:
    assert _said(problems, _text("StableDiffusionImg2ImgPipeline", render="image: a.png, height: 64")) == [
        f"render.height: StableDiffusionImg2ImgPipeline takes no height; {_taking('height')} "
        "It takes the picture's own size."
    ]


def test_the_axes_of_a_sweep_are_held_to_the_pipeline(problems: Any) -> None:
    sweep = "animation: {kind: sweep, prompt: a, over: {strength: [0.5], guidance_scale: [1, 2]}}\n"
    assert _said(problems, _text("FluxPipeline", animation=sweep)) == [
        f"animation.over.strength: FluxPipeline takes no strength; {_taking('strength')}"
    ]


@pytest.mark.parametrize(
    ("pipeline", "part", "value"),
    [
        ("LDMTextToImagePipeline", "loras", "[{pretrained: ./a}]"),
        ("StableDiffusionPipeline", "controlnets", "[{pretrained: ./a}]"),
        ("StableDiffusionPipeline", "refiner", "{pretrained: ./a}"),
        ("SanaPipeline", "config", "{pretrained: ./a}"),
        ("FluxPipeline", "textual_inversions", "[{pretrained: ./a}]"),
    ],
)
def test_a_part_that_the_pipeline_does_not_take_is_told_with_those_that_do(
    problems: Any, pipeline: str, part: str, value: str
) -> None:
    more = "denoising_end: 0.8" if part == "refiner" else ""
    assert _said(problems, _text(pipeline, f"{part}: {value}", more)) == [
        f"model.{part}: {pipeline} takes no {part}; {_with(lambda traits: part in traits.parts)}"
    ]


def test_words_are_weighted_where_all_go_through_clip(problems: Any) -> None:
    assert _said(problems, _text("FluxPipeline", render="prompt_syntax: compel")) == [
        "render.prompt_syntax: FluxPipeline does not support weighted words; "
        + _with(lambda traits: "textual_inversions" in traits.parts)
    ]
    parse(_text("StableDiffusionXLPipeline", render="prompt_syntax: compel"), Path("a.yaml"))


def test_attention_is_sliced_in_unets_only(problems: Any) -> None:
    def has_unet(traits: Traits) -> bool:
        return traits.denoiser_component == "unet"

    assert _said(problems, _text("SanaPipeline", "memory: {attention: sliced}")) == [
        f"model.memory.attention: SanaPipeline has no sliced attention; {_with(has_unet)}"
    ]


def test_a_refiner_and_where_it_goes_on_need_each_other(problems: Any) -> None:
    xl, refiner = "StableDiffusionXLPipeline", "refiner: {pretrained: ./a}"
    assert _said(problems, _text(xl, refiner)) == [
        "render.denoising_end: missing; needed: the share of the steps after which the refiner takes over, such as 0.8."
    ]
    for pipeline in (xl, "StableDiffusionPipeline"):
        assert _said(problems, _text(pipeline, render="denoising_end: 0.8")) == [
            "render.denoising_end: no refiner continues from there; allowed: with StableDiffusionXLPipeline and a "
            "model.refiner."
        ]
    parse(_text(xl, refiner, "denoising_end: 0.8, aesthetic_score: 7"), Path("a.yaml"))


@pytest.mark.parametrize(
    ("pipeline", "step", "wrong"), [("SanaPipeline", 32, 1000), ("FluxPipeline", 16, 520)]
)
def test_height_and_width_are_multiples_of_what_the_pipeline_needs(
    problems: Any, pipeline: str, step: int, wrong: int
) -> None:
    assert _said(problems, _text(pipeline, render=f"height: {wrong}, width: 512")) == [
        f"render.height: found {wrong}; allowed: a multiple of {step} with {pipeline}."
    ]


@pytest.mark.parametrize(
    ("pipeline", "most"),
    [("StableDiffusion3Pipeline", 512), ("FluxPipeline", 512), ("QwenImagePipeline", 1024)],
)
def test_no_more_tokens_are_read_than_diffusers_takes(problems: Any, pipeline: str, most: int) -> None:
    assert _said(problems, _text(pipeline, render=f"max_sequence_length: {most + 1}")) == [
        f"render.max_sequence_length: found {most + 1}; allowed: up to {most} with {pipeline}."
    ]
    parse(_text(pipeline, render=f"max_sequence_length: {most}"), Path("a.yaml"))


@pytest.mark.parametrize("part", ["controlnets", "ip_adapters", "textual_inversions", "loras"])
def test_every_source_from_the_hub_needs_its_commit(problems: Any, part: str) -> None:
    more = ", weight_name: a.safetensors" if part == "ip_adapters" else ""
    text = _text(
        "StableDiffusionControlNetPipeline",
        f"{part}: [{{pretrained: org/net{more}}}]",
        "image: a.png",
    )
    assert [line for line in _said(problems, text) if line.startswith(f"model.{part}[0]")] == [
        f"model.{part}[0].revision: missing; needed: the full commit of org/net, since a branch moves and the pictures "
        "with it. Take one from https://huggingface.co/org/net/commits/main."
    ]


@pytest.mark.parametrize("part", ["ip_adapters", "textual_inversions", "loras"])
def test_no_adapter_is_a_pickle(problems: Any, part: str) -> None:
    text = _text("StableDiffusionPipeline", f"{part}: [{{pretrained: ./a, weight_name: b.bin}}]")
    assert (
        f"model.{part}[0].weight_name: found 'b.bin'; allowed: the name of a .safetensors file in that repository or "
        "folder."
    ) in _said(problems, text)


def test_no_folder_of_an_adapter_leads_out_of_it(problems: Any) -> None:
    text = _text(
        "StableDiffusionPipeline",
        "ip_adapters: [{pretrained: ./a, weight_name: b.safetensors, subfolder: ../x, image_encoder_folder: /y}]",
        "ip_adapter_image: a.png",
    )
    assert _said(problems, text) == [
        f"model.ip_adapters[0].{field}: found '{name}'; allowed: the name of a folder in that repository or folder."
        for field, name in (("subfolder", "../x"), ("image_encoder_folder", "/y"))
    ]


def _render(pipeline: str, model: str = "", render: str = "") -> Any:
    manifest: Manifest = parse(_text(pipeline, model, render), Path("a.yaml")).manifest
    return manifest.render


def test_what_is_unsaid_is_the_pipelines_own() -> None:
    sd = _render("StableDiffusionPipeline")
    assert (sd.num_inference_steps, sd.guidance_scale, sd.strength) == (50, 7.5, None)
    assert (sd.eta, sd.guidance_rescale, sd.negative_prompt, sd.height) == (0.0, 0.0, None, None)
    lcm = _render("LatentConsistencyModelPipeline", render="guidance_scale: 2")
    assert (lcm.num_inference_steps, lcm.guidance_scale, lcm.eta) == (4, 2.0, None)
    assert _render("StableDiffusionXLImg2ImgPipeline", render="image: a.png").strength == 0.3
    assert _render("SanaPipeline").negative_prompt == ""
    refined = _render("StableDiffusionXLPipeline", "refiner: {pretrained: ./a}", "denoising_end: 0.8")
    assert (refined.aesthetic_score, refined.negative_aesthetic_score) == (6.0, 2.5)
    assert refined.crops_coords_top_left == (0, 0)


def test_what_saves_memory_together_is_told(problems: Any) -> None:
    eyes = "ip_adapters: [{pretrained: ./eye, weight_name: eye.safetensors}]"
    model = f"{eyes}, memory: {{attention: sliced, offload: group, release_text_encoders: true}}"
    assert _said(problems, _text("StableDiffusionPipeline", model, "ip_adapter_image: a.png")) == [
        "model.memory.attention: sliced attention ignores image prompts; "
        "allowed with model.ip_adapters: default, math, flash, efficient, cudnn, xformers.",
        "model.memory.release_text_encoders: text encoders are released already by offload: group; "
        "allowed: false, or offload: none.",
    ]
