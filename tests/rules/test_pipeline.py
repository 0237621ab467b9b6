"""The checkpoints that fit a pipeline, a refiner and a single file's configuration."""

import inspect

import diffusers
import pytest

from farm.manifest.pipelines import PIPELINES
from tests.checkpoints.families import FAMILIES
from tests.ldm_layout import save_as_single_file
from tests.rules.altering import altered

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
PLAIN = "StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline"
PICTURES = {"image": "p.png", "mask_image": "m.png", "control_image": "c.png"}
_OF_XL = [name for name, traits in PIPELINES.items() if traits.has_size_conditioning]
_OF_SD = [
    name
    for name in PIPELINES
    if name.startswith("StableDiffusion") and name not in (*_OF_XL, "StableDiffusion3Pipeline")
]
DEPTH = "StableDiffusionDepth2ImgPipeline"
FITTING = [
    *((name, f"@{name}") for name in FAMILIES),
    *((name, "@sd") for name in _OF_SD if name != DEPTH),
    *((name, "@xl") for name in _OF_XL),
    (SD, "@LatentConsistencyModelPipeline"),
    ("LatentConsistencyModelImg2ImgPipeline", "@LatentConsistencyModelPipeline"),
    ("StableDiffusionInpaintPipeline", "@inpainting"),
    ("StableDiffusionControlNetInpaintPipeline", "@inpainting"),
    ("StableDiffusionXLImg2ImgPipeline", "@refiner"),
    (DEPTH, "@depth"),
]


@pytest.mark.parametrize(("pipeline", "pretrained"), FITTING)
def test_a_checkpoint_for_a_pipeline_fits_it(pipeline, pretrained, mismatches):
    traits = PIPELINES[pipeline]
    render = {name: PICTURES[name] for name in traits.required_images}
    net = "@net-xl" if traits.has_size_conditioning else "@net"
    parts = {"controlnets": [{"pretrained": net}, {"pretrained": net}]} if traits.control_argument else {}
    if traits.control_argument:
        render[traits.control_argument] = ["c.png", "c.png"]
    assert mismatches(pipeline, pretrained, render, **parts) == []


def test_every_pipeline_has_a_checkpoint_that_fits():
    assert {pipeline for pipeline, _ in FITTING} == set(PIPELINES)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_required_components_are_parameters_in_diffusers(pipeline):
    takes = set(inspect.signature(getattr(diffusers, pipeline).__init__).parameters)
    assert {PIPELINES[pipeline].denoiser_component, *PIPELINES[pipeline].components} <= takes


@pytest.mark.parametrize(
    ("pipeline", "pretrained", "why", "fitting"),
    [
        (
            SD,
            "@xl",
            "its UNet takes picture sizes, as Stable Diffusion XL's does",
            "StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline, "
            "StableDiffusionXLControlNetPipeline, StableDiffusionXLControlNetImg2ImgPipeline",
        ),
        (
            XL,
            "@sd",
            "it has no text_encoder_2 and no tokenizer_2 and its UNet does not take picture sizes, as Stable "
            "Diffusion XL's does",
            f"{PLAIN}, StableDiffusionControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline, "
            "StableDiffusionControlNetInpaintPipeline",
        ),
        (
            XL,
            "@refiner",
            "it has no text_encoder and no tokenizer",
            "StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline",
        ),
        (
            SD,
            "@inpainting",
            "its UNet takes 9 channels, not 4",
            "StableDiffusionInpaintPipeline, StableDiffusionControlNetInpaintPipeline",
        ),
        (SD, "@depth", "its UNet takes 5 channels, not 4", "StableDiffusionDepth2ImgPipeline"),
        (
            "LatentConsistencyModelPipeline",
            "@sd",
            "its UNet does not take the guidance scale, as a latent consistency model's does",
            f"{PLAIN}, StableDiffusionControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline, "
            "StableDiffusionControlNetInpaintPipeline",
        ),
        (SD, "@FluxPipeline", "it has no unet", "FluxPipeline"),
        (
            "FluxPipeline",
            "@StableDiffusion3Pipeline",
            "it denoises with a SD3Transformer2DModel, not a FluxTransformer2DModel",
            "StableDiffusion3Pipeline",
        ),
        (
            "ZImagePipeline",
            "@LDMTextToImagePipeline",
            "it has no transformer and no vae and no text_encoder",
            "LDMTextToImagePipeline",
        ),
    ],
)
def test_a_checkpoint_for_another_pipeline_is_reported_with_the_pipelines_that_it_fits(
    pipeline, pretrained, why, fitting, mismatches
):
    assert mismatches(pipeline, pretrained) == [
        f"model.pipeline: {pretrained} is not for {pipeline}: {why}; allowed with it: {fitting}."
    ]


def test_depth_needs_an_estimator_and_a_channel_for_it(mismatches):
    assert mismatches(DEPTH, "@sd", {"image": "p.png"}) == [
        "model.pipeline: @sd is not for StableDiffusionDepth2ImgPipeline: it has no depth_estimator and its UNet takes "
        f"4 channels, not 5; allowed with it: {PLAIN}, StableDiffusionControlNetPipeline, "
        "StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetInpaintPipeline."
    ]


def test_a_checkpoint_for_no_supported_pipeline_is_reported(saved, mismatches, tmp_path):
    copy = altered(saved("sd"), tmp_path / "pix2pix", "unet/config.json", in_channels=8)
    assert mismatches(SD, copy) == [
        "model.pipeline: pix2pix is not for StableDiffusionPipeline: its UNet takes 8 channels, not 4; allowed with "
        "it: none of the supported pipelines."
    ]


REFINED = {"denoising_end": 0.8}


def test_a_refiner_fits_its_base(mismatches):
    assert mismatches(XL, "@xl", REFINED, refiner={"pretrained": "@refiner"}) == []
    assert mismatches(XL, "@xl", REFINED, refiner={"pretrained": "@xl"}) == []


def test_a_refiner_with_other_latents_is_reported(saved, mismatches, tmp_path):
    settings = {"latent_channels": 8, "block_out_channels": [8, 8, 16]}
    copy = altered(saved("refiner"), tmp_path / "other", "vae/config.json", **settings)
    assert mismatches(XL, "@xl", REFINED, refiner={"pretrained": copy}) == [
        "model.refiner.pretrained: does not fit the model: its UNet takes 4 channels, not 8 and its number of latent "
        "channels is 8, not 4 and its number of pixels per latent is 4, not 2; needed: a refiner of Stable Diffusion "
        "XL with the model's latents."
    ]


def test_a_checkpoint_that_is_no_refiner_is_reported(mismatches):
    assert mismatches(XL, "@xl", REFINED, refiner={"pretrained": "@sd"}) == [
        "model.refiner.pretrained: does not fit the model: it has no text_encoder_2 and no tokenizer_2 and its UNet "
        "does not take picture sizes, as Stable Diffusion XL's does; needed: a refiner of Stable Diffusion XL with "
        "the "
        "model's latents."
    ]


@pytest.fixture
def single(saved, tmp_path):
    return str(save_as_single_file(saved("sd"), tmp_path / "single.safetensors"))


def test_a_single_file_fits_its_configuration(single, mismatches):
    assert mismatches(SD, single, config={"pretrained": "@sd"}) == []
    assert mismatches(SD, single, config={"pretrained": "@sd"}, loras=[{"pretrained": "@style"}]) == []


def test_a_single_file_with_the_configuration_of_another_model_is_reported(single, mismatches):
    assert mismatches(SD, single, config={"pretrained": "@xl"}) == [
        "model.config.pretrained: does not fit the model: its cross_attention_dim is 32, not 16; needed: the "
        "configuration of a model of this kind."
    ]


def test_a_single_file_for_another_pipeline_is_reported(single, mismatches):
    assert mismatches(XL, single, config={"pretrained": "@sd"}) == [
        "model.pipeline: single.safetensors is not for StableDiffusionXLPipeline: its UNet does not take picture "
        "sizes, as Stable Diffusion XL's does; allowed with it: "
        f"{PLAIN}, StableDiffusionControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline, "
        "StableDiffusionControlNetInpaintPipeline."
    ]
