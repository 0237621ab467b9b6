"""The architecture of checkpoints is read from their files alone."""

import subprocess
import sys

import huggingface_hub.constants
import pytest

from farm.inputs.checkpoints.info import read_architecture
from farm.inputs.checkpoints.source import find_source
from tests.checkpoints.families import FAMILIES
from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.stable_diffusion import save_inpainting
from tests.checkpoints.stable_diffusion_xl import save_refiner, save_stable_diffusion_xl
from tests.ldm_layout import save_as_single_file


def read(path):
    return read_architecture(find_source(str(path), None, path.parent))


@pytest.mark.parametrize(
    ("name", "latent", "factor", "step"),
    [
        ("StableDiffusionPipeline", 4, 2, 2),
        ("StableDiffusionXLPipeline", 4, 2, 2),
        ("LatentConsistencyModelPipeline", 4, 2, 2),
        ("LDMTextToImagePipeline", 4, 8, 8),
        ("StableDiffusion3Pipeline", 16, 2, 4),
        ("FluxPipeline", 16, 2, 4),
        ("PixArtSigmaPipeline", 4, 8, 16),
        ("SanaPipeline", 8, 32, 32),
        ("ZImagePipeline", 16, 2, 4),
        ("QwenImagePipeline", 4, 4, 8),
    ],
)
def test_a_family_has_latents_of_its_pipelines_size(name, latent, factor, step, tmp_path):
    """The factors equal those that the pipelines compute."""
    from diffusers import DiffusionPipeline

    FAMILIES[name].save(tmp_path)
    model = read(tmp_path)
    pipeline = DiffusionPipeline.from_pretrained(tmp_path)
    denoiser = getattr(pipeline, "unet", None) or pipeline.transformer
    assert (model.latent_channels, model.vae_factor, model.step) == (latent, factor, step)
    assert model.vae_factor == pipeline.vae_scale_factor
    assert model.denoiser.class_name == type(denoiser).__name__
    assert model.denoiser.in_channels == denoiser.config.in_channels


def test_every_family_is_read():
    [counted] = [
        mark
        for mark in test_a_family_has_latents_of_its_pipelines_size.pytestmark
        if mark.args[0][0] == "name"
    ]
    assert {case[0] for case in counted.args[1]} == set(FAMILIES)


def test_the_inputs_of_a_unet_are_read(tmp_path):
    plain, wide = read(save_inpainting(tmp_path / "nine")), read(save_stable_diffusion_xl(tmp_path / "xl"))
    net = plain.denoiser
    assert (net.in_channels, net.cross_attention_dim, net.block_out_channels) == (9, 16, (16, 32))
    assert (net.layers_per_block, net.takes_sizes, net.takes_guidance) == (1, False, False)
    assert (wide.denoiser.cross_attention_dim, wide.denoiser.takes_sizes) == (32, True)
    assert wide.text_widths == {"text_encoder": 16, "text_encoder_2": 16}
    consistent = FAMILIES["LatentConsistencyModelPipeline"].save(tmp_path / "lcm")
    assert read(consistent).denoiser.takes_guidance


def test_parts_that_are_null_in_the_index_are_none(tmp_path):
    parts = read(save_refiner(tmp_path)).components
    assert sorted(parts) == ["scheduler", "text_encoder_2", "tokenizer_2", "unet", "vae"]
    assert parts["unet"] == "UNet2DConditionModel"


def test_a_single_file_has_the_traits_of_its_folder(tiny_sd, tmp_path):
    file, folder = read(save_as_single_file(tiny_sd, tmp_path / "tiny.safetensors")), read(tiny_sd)
    assert file.components is None
    assert (file.vae_factor, file.latent_channels) == (folder.vae_factor, folder.latent_channels)
    for trait in ("class_name", "in_channels", "cross_attention_dim", "takes_sizes", "takes_guidance"):
        assert getattr(file.denoiser, trait) == getattr(folder.denoiser, trait), trait


def test_a_single_file_of_another_layout_has_no_architecture(tiny_sd):
    assert read(tiny_sd / "unet" / "diffusion_pytorch_model.safetensors") is None


def test_a_hub_id_is_read_only_from_the_cache(tiny_sd, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    commit = fill_cache(tmp_path, "studio/tiny", tiny_sd)
    assert read_architecture(find_source("studio/tiny", commit, tmp_path)) == read(tiny_sd)
    assert read_architecture(find_source("studio/tiny", commit[::-1], tmp_path)) is None
    assert read_architecture(find_source("studio/other", commit, tmp_path)) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"block_out_channels": {}, "in_channels": "4"}', '{"block_out_channels": [[1], {}]}'],
)
def test_an_invalid_configuration_gives_no_traits(text, tiny_sd, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_sd, tmp_path / "model")
    for part in ("unet", "vae", "text_encoder"):
        (copy / part / "config.json").write_text(text)
    model = read(copy)
    assert (model.vae_factor, model.latent_channels, model.text_widths, model.step) == (None, None, {}, 1)
    assert (model.denoiser.in_channels, model.denoiser.block_out_channels) == (None, ())


def test_importing_it_loads_no_torch_or_diffusers():
    code = "import sys, farm.rules.registry, farm.inputs.checkpoints.info, farm.inputs.checkpoints.adapters\n"
    code += "print({'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
