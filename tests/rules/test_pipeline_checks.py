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


def _messages(problems: Any, text: str) -> list[str]:
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
def test_an_unsupported_argument_is_reported_with_the_pipelines_that_take_it(
    problems: Any, pipeline: str, argument: str, value: str
) -> None:
    assert _messages(problems, _text(pipeline, render=f"{argument}: {value}")) == [
        f"render.{argument}: {pipeline} takes no {argument}; {_taking(argument)}"
    ]
    parse(_text(pipeline, render=f"{argument}: null"), Path("a.yaml"))


def test_img2img_takes_the_size_of_its_picture(problems: Any) -> None:
    assert _messages(
        problems, _text("StableDiffusionImg2ImgPipeline", render="image: a.png, height: 64")
    ) == [
        f"render.height: StableDiffusionImg2ImgPipeline takes no height; {_taking('height')} "
        "It takes the picture's own size."
    ]


def test_the_axes_of_a_sweep_must_be_supported_by_the_pipeline(problems: Any) -> None:
    sweep = "animation: {kind: sweep, prompt: a, over: {strength: [0.5], guidance_scale: [1, 2]}}\n"
    assert _messages(problems, _text("FluxPipeline", animation=sweep)) == [
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
def test_an_unsupported_part_is_reported_with_the_pipelines_that_take_it(
    problems: Any, pipeline: str, part: str, value: str
) -> None:
    more = "denoising_end: 0.8" if part == "refiner" else ""
    assert _messages(problems, _text(pipeline, f"{part}: {value}", more)) == [
        f"model.{part}: {pipeline} takes no {part}; {_with(lambda traits: part in traits.parts)}"
    ]


def test_weighted_words_need_a_pipeline_with_clip_only(problems: Any) -> None:
    assert _messages(problems, _text("FluxPipeline", render="prompt_syntax: compel")) == [
        "render.prompt_syntax: FluxPipeline does not support weighted words; "
        + _with(lambda traits: "textual_inversions" in traits.parts)
    ]
    parse(_text("StableDiffusionXLPipeline", render="prompt_syntax: compel"), Path("a.yaml"))


def test_sliced_attention_needs_a_unet(problems: Any) -> None:
    def has_unet(traits: Traits) -> bool:
        return traits.denoiser_component == "unet"

    assert _messages(problems, _text("SanaPipeline", "memory: {attention: sliced}")) == [
        f"model.memory.attention: SanaPipeline has no sliced attention; {_with(has_unet)}"
    ]


def test_a_refiner_and_denoising_end_need_each_other(problems: Any) -> None:
    xl, refiner = "StableDiffusionXLPipeline", "refiner: {pretrained: ./a}"
    assert _messages(problems, _text(xl, refiner)) == [
        "render.denoising_end: missing; needed: the share of the steps after which the refiner takes over, such as 0.8."
    ]
    for pipeline in (xl, "StableDiffusionPipeline"):
        assert _messages(problems, _text(pipeline, render="denoising_end: 0.8")) == [
            "render.denoising_end: no refiner continues from there; allowed: with StableDiffusionXLPipeline and a "
            "model.refiner."
        ]
    parse(_text(xl, refiner, "denoising_end: 0.8, aesthetic_score: 7"), Path("a.yaml"))


@pytest.mark.parametrize(
    ("pipeline", "step", "wrong"), [("SanaPipeline", 32, 1000), ("FluxPipeline", 16, 520)]
)
def test_height_and_width_must_be_multiples_for_the_pipeline(
    problems: Any, pipeline: str, step: int, wrong: int
) -> None:
    assert _messages(problems, _text(pipeline, render=f"height: {wrong}, width: 512")) == [
        f"render.height: found {wrong}; allowed: a multiple of {step} with {pipeline}."
    ]


@pytest.mark.parametrize(
    ("pipeline", "limit"),
    [("StableDiffusion3Pipeline", 512), ("FluxPipeline", 512), ("QwenImagePipeline", 1024)],
)
def test_the_sequence_length_is_limited_as_in_diffusers(problems: Any, pipeline: str, limit: int) -> None:
    assert _messages(problems, _text(pipeline, render=f"max_sequence_length: {limit + 1}")) == [
        f"render.max_sequence_length: found {limit + 1}; allowed: up to {limit} with {pipeline}."
    ]
    parse(_text(pipeline, render=f"max_sequence_length: {limit}"), Path("a.yaml"))


@pytest.mark.parametrize("part", ["controlnets", "ip_adapters", "textual_inversions", "loras"])
def test_every_source_from_the_hub_needs_its_commit(problems: Any, part: str) -> None:
    more = ", weight_name: a.safetensors" if part == "ip_adapters" else ""
    text = _text(
        "StableDiffusionControlNetPipeline",
        f"{part}: [{{pretrained: org/net{more}}}]",
        "image: a.png",
    )
    assert [line for line in _messages(problems, text) if line.startswith(f"model.{part}[0]")] == [
        f"model.{part}[0].revision: missing; needed: the full commit of org/net, since pictures would change with a "
        "branch. Take one from https://huggingface.co/org/net/commits/main."
    ]


@pytest.mark.parametrize("part", ["ip_adapters", "textual_inversions", "loras"])
def test_no_adapter_is_a_pickle(problems: Any, part: str) -> None:
    text = _text("StableDiffusionPipeline", f"{part}: [{{pretrained: ./a, weight_name: b.bin}}]")
    assert (
        f"model.{part}[0].weight_name: found 'b.bin'; allowed: the name of a .safetensors file in that repository or "
        "folder."
    ) in _messages(problems, text)


def test_no_folder_of_an_adapter_leads_out_of_it(problems: Any) -> None:
    text = _text(
        "StableDiffusionPipeline",
        "ip_adapters: [{pretrained: ./a, weight_name: b.safetensors, subfolder: ../x, image_encoder_folder: /y}]",
        "ip_adapter_image: a.png",
    )
    assert _messages(problems, text) == [
        f"model.ip_adapters[0].{field}: found '{name}'; allowed: the name of a folder in that repository or folder."
        for field, name in (("subfolder", "../x"), ("image_encoder_folder", "/y"))
    ]


def _render(pipeline: str, model: str = "", render: str = "") -> Any:
    manifest: Manifest = parse(_text(pipeline, model, render), Path("a.yaml")).manifest
    return manifest.render


def test_omitted_arguments_have_the_defaults_of_the_pipeline() -> None:
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


def test_conflicting_memory_options_are_reported(problems: Any) -> None:
    eyes = "ip_adapters: [{pretrained: ./eye, weight_name: eye.safetensors}]"
    model = f"{eyes}, memory: {{attention: sliced, offload: group, release_text_encoders: true}}"
    assert _messages(problems, _text("StableDiffusionPipeline", model, "ip_adapter_image: a.png")) == [
        "model.memory.attention: sliced attention ignores image prompts; "
        "allowed with model.ip_adapters: default, math, flash, efficient, cudnn, xformers.",
        "model.memory.release_text_encoders: text encoders are already released by offload: group; "
        "allowed: false, or offload: none.",
    ]
