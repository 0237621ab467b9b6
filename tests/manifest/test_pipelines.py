from __future__ import annotations

import inspect

import diffusers
import pytest

from farm.manifest.pipelines import PIPELINES, Traits, call_arguments
from farm.manifest.render import Render

KNOWN = set(Render.model_fields) - {
    "batch_size",
    "determinism",
    "prompt_syntax",
    "expand",
    "ip_adapter_image",
}
"""Fields of `render` that are arguments of a call, by diffusers' names."""

CLIP_IN_PART = "FluxPipeline"
"""It has diffusers' loader of textual inversions, but reads most of a prompt with T5, which has none."""

OTHER_IP_ADAPTERS = ("StableDiffusion3Pipeline", "FluxPipeline")
"""Their IP-Adapters are of another kind, which is loaded differently."""

WITH_GUIDANCE_EMBEDDING = ("LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline")
"""diffusers drops the guidance embedding of their single files."""

WITHOUT_ENCODER = "ZImagePipeline"
"""diffusers reads no Qwen3 from a single file."""

every_pipeline = pytest.mark.parametrize("name", PIPELINES)


@every_pipeline
def test_the_arguments_of_a_pipeline_match_its_call_and_its_defaults(name: str) -> None:
    signature = inspect.signature(getattr(diffusers, name).__call__).parameters
    takes = {argument: signature[argument].default for argument in signature if argument in KNOWN}
    assert PIPELINES[name].arguments == takes


@every_pipeline
def test_the_parts_of_a_pipeline_match_the_loaders_of_diffusers(name: str) -> None:
    cls = getattr(diffusers, name)
    loads = {
        "loras": hasattr(cls, "load_lora_weights"),
        "config": hasattr(cls, "from_single_file")
        and name not in (*WITH_GUIDANCE_EMBEDDING, WITHOUT_ENCODER),
        "textual_inversions": hasattr(cls, "load_textual_inversion") and name != CLIP_IN_PART,
        "ip_adapters": hasattr(cls, "load_ip_adapter") and name not in OTHER_IP_ADAPTERS,
        "controlnets": "controlnet" in inspect.signature(cls.__init__).parameters,
        "refiner": name == "StableDiffusionXLPipeline",
    }
    assert PIPELINES[name].parts == {part for part, is_loaded in loads.items() if is_loaded}


@every_pipeline
def test_a_pipeline_denoises_with_a_unet_or_a_transformer(name: str) -> None:
    parts = inspect.signature(getattr(diffusers, name).__init__).parameters
    assert [net for net in ("unet", "transformer") if net in parts] == [PIPELINES[name].denoiser_component]
    assert PIPELINES[name].denoiser in str(parts[PIPELINES[name].denoiser_component].annotation)


def test_unets_have_sliced_attention_and_transformers_do_not() -> None:
    assert hasattr(diffusers.UNet2DConditionModel, "set_attention_slice")
    transformers = {
        inspect.signature(getattr(diffusers, name).__init__).parameters["transformer"].annotation
        for name, traits in PIPELINES.items()
        if traits.denoiser_component == "transformer"
    }
    assert len(transformers) >= 6
    for transformer in transformers:
        cls = getattr(diffusers, transformer) if isinstance(transformer, str) else transformer
        assert not hasattr(cls, "set_attention_slice"), cls


def test_a_refiner_adds_aesthetic_scores() -> None:
    alone = call_arguments("StableDiffusionXLPipeline")
    assert call_arguments("StableDiffusionXLPipeline", has_refiner=True) == {
        **alone,
        "aesthetic_score": 6.0,
        "negative_aesthetic_score": 2.5,
    }


@pytest.mark.parametrize(
    ("name", "control", "needed"),
    [
        ("StableDiffusionPipeline", None, []),
        ("StableDiffusionImg2ImgPipeline", None, ["image"]),
        ("StableDiffusionInpaintPipeline", None, ["image", "mask_image"]),
        ("StableDiffusionDepth2ImgPipeline", None, ["image"]),
        ("StableDiffusionControlNetPipeline", "image", ["image"]),
        ("StableDiffusionXLControlNetImg2ImgPipeline", "control_image", ["image", "control_image"]),
        (
            "StableDiffusionControlNetInpaintPipeline",
            "control_image",
            ["image", "mask_image", "control_image"],
        ),
    ],
)
def test_the_required_images_follow_from_the_arguments(
    name: str, control: str | None, needed: list[str]
) -> None:
    traits: Traits = PIPELINES[name]
    assert traits.control_argument == control
    assert list(traits.required_images) == needed
