"""The test checkpoints: real pipelines load them without the hub, and pictures depend on every input."""

import json
import os
import subprocess
import sys

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.checkpoints import (
    controlnet,
    ip_adapter,
    lora,
    stable_diffusion,
    stable_diffusion_xl,
    textual_inversion,
)
from tests.checkpoints.families import FAMILIES
from tests.checkpoints.flux import save_flux
from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.tokenizers import clip_tokenizer, gemma_tokenizer, qwen_tokenizer, t5_tokenizer
from tests.exhaustive import sample

pytestmark = pytest.mark.usefixtures("one_thread")

PARTS = [
    stable_diffusion.save_inpainting,
    stable_diffusion.save_depth,
    stable_diffusion_xl.save_refiner,
    controlnet.save_controlnet,
    controlnet.save_controlnet_xl,
    ip_adapter.save_ip_adapter,
    lora.save_style_lora,
    lora.save_lcm_lora,
    lora.save_lcm_lora_xl,
    textual_inversion.save_textual_inversion,
    textual_inversion.save_textual_inversion_xl,
]
LOAD_ALL = """
import json, sys
from diffusers import DiffusionPipeline
for hub_id, commit in json.load(sys.stdin).items():
    print(hub_id, type(DiffusionPipeline.from_pretrained(hub_id, revision=commit, use_safetensors=True)).__name__)
"""


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Save a checkpoint once in this module and return its folder."""
    saved = {}

    def folder(save):
        if save not in saved:
            saved[save] = save(tmp_path_factory.mktemp(save.__name__))
        return saved[save]

    return folder


@pytest.fixture(scope="module")
def sd(folder_of):
    return folder_of(stable_diffusion.save_stable_diffusion)


@pytest.fixture(scope="module")
def xl(folder_of):
    return folder_of(stable_diffusion_xl.save_stable_diffusion_xl)


def load(folder, kind=diffusers.DiffusionPipeline, **parts):
    pipeline = kind.from_pretrained(folder, use_safetensors=True, **parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline, prompt="a red star", *, seed=0, **call):
    generator = torch.Generator("cpu").manual_seed(seed)
    call = {"num_inference_steps": 2, "output_type": "np"} | call
    return pipeline(prompt, generator=generator, **call).images[0]


def differ(one, other):
    """Return whether two pictures differ visibly: by more than one 8-bit level on average."""
    return np.abs(one - other).mean() > 1 / 255


def photo(seed=0, side=16):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_familys_pictures_depend_on_prompt_and_seed(name, folder_of):
    family = FAMILIES[name]
    pipeline = load(folder_of(family.save))
    size = {"height": family.side, "width": family.side}
    picture, again, other_words, other_noise = (
        draw(pipeline, words, seed=seed, **family.call, **size)
        for words, seed in (("a red star", 0), ("a red star", 0), ("a blue circle", 0), ("a red star", 1))
    )
    assert type(pipeline).__name__ == name
    assert picture.shape == (family.side, family.side, 3)
    assert np.isfinite(picture).all()
    assert picture.std() > 0.05
    assert np.array_equal(picture, again)
    assert differ(picture, other_words)
    assert differ(picture, other_noise)


@pytest.mark.parametrize(
    "save", [*(family.save for family in FAMILIES.values()), *PARTS], ids=lambda f: f.__name__
)
def test_saving_twice_gives_the_same_bytes(save, folder_of, tmp_path):
    first, second = folder_of(save), save(tmp_path)
    names = [sorted(file.relative_to(folder) for file in folder.rglob("*")) for folder in (first, second)]
    assert names[0] == names[1]
    for name in names[0]:
        assert (first / name).is_dir() or (first / name).read_bytes() == (second / name).read_bytes(), name


FEW = ["StableDiffusionPipeline"]


@pytest.mark.parametrize("families", sample([[*FAMILIES], FEW], of=[FEW]), ids=len)
def test_they_load_by_hub_id_and_commit_from_a_cache_without_the_hub(families, folder_of, tmp_path):
    commits = {
        f"studio/{name}": fill_cache(tmp_path, f"studio/{name}", folder_of(FAMILIES[name].save))
        for name in families
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL],
        input=json.dumps(commits),
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"studio/{name} {name}" for name in families]


def test_the_snapshots_of_a_cache_link_to_its_blobs(sd, tmp_path):
    commit = fill_cache(tmp_path, "studio/tiny", sd)
    repository = tmp_path / "models--studio--tiny"
    weights = repository / "snapshots" / commit / "unet" / "diffusion_pytorch_model.safetensors"
    assert len(commit) == 40
    assert (repository / "refs" / "main").read_text() == commit
    assert weights.is_symlink()
    assert weights.resolve().parent == repository / "blobs"
    assert weights.read_bytes() == (sd / "unet" / weights.name).read_bytes()


def test_inpainting_has_nine_channels_and_depends_on_the_picture_around_the_mask(folder_of):
    pipeline = load(folder_of(stable_diffusion.save_inpainting))
    mask = Image.fromarray(np.pad(np.full((8, 8), 255, np.uint8), 4))
    call = {"mask_image": mask, "height": 16, "width": 16}
    assert pipeline.unet.config.in_channels == 9
    assert differ(draw(pipeline, image=photo(0), **call), draw(pipeline, image=photo(1), **call))


def test_depth_is_estimated_or_given(folder_of):
    pipeline = load(folder_of(stable_diffusion.save_depth))
    estimated = draw(pipeline, image=photo(), strength=1.0)
    given = draw(
        pipeline, image=photo(), strength=1.0, depth_map=torch.linspace(0, 1, 256).reshape(1, 16, 16)
    )
    assert differ(estimated, given)


def test_the_refiner_continues_from_the_latents_of_the_base(xl, folder_of):
    base, refiner = load(xl), load(folder_of(stable_diffusion_xl.save_refiner))
    latents = draw(base, num_inference_steps=4, denoising_end=0.5, output_type="latent")[None]
    call = {"image": latents, "num_inference_steps": 4, "denoising_start": 0.5}
    assert type(refiner) is diffusers.StableDiffusionXLImg2ImgPipeline
    assert differ(draw(refiner, **call), draw(refiner, **call, aesthetic_score=1.0))


def test_xl_is_conditioned_on_sizes(xl):
    assert differ(draw(load(xl)), draw(load(xl), original_size=(64, 16)))


@pytest.mark.parametrize(
    ("kind", "base", "save"),
    [
        (diffusers.StableDiffusionControlNetPipeline, "sd", controlnet.save_controlnet),
        (diffusers.StableDiffusionXLControlNetPipeline, "xl", controlnet.save_controlnet_xl),
    ],
)
def test_a_controlnet_follows_its_picture(kind, base, save, folder_of, request):
    net = diffusers.ControlNetModel.from_pretrained(folder_of(save), use_safetensors=True)
    pipeline = load(request.getfixturevalue(base), kind, controlnet=net)
    assert differ(draw(pipeline, image=photo(0)), draw(pipeline, image=photo(1)))


@pytest.mark.parametrize("variant", ["ip-adapter", "ip-adapter-plus", "ip-adapter-plus-face"])
@pytest.mark.parametrize(
    ("base", "subfolder", "suffix"), [("sd", "models", "sd15"), ("xl", "sdxl_models", "sdxl")]
)
def test_an_ip_adapter_follows_its_picture(variant, base, subfolder, suffix, folder_of, request):
    pipeline = load(request.getfixturevalue(base))
    folder = folder_of(ip_adapter.save_ip_adapter)
    pipeline.load_ip_adapter(folder, subfolder=subfolder, weight_name=f"{variant}_{suffix}.safetensors")
    assert differ(*(draw(pipeline, ip_adapter_image=photo(seed, side=40)) for seed in range(2)))


@pytest.mark.parametrize("save", [lora.save_style_lora, lora.save_lcm_lora])
def test_a_lora_changes_the_picture(save, sd, folder_of):
    pipeline = load(sd)
    before = draw(pipeline)
    pipeline.load_lora_weights(folder_of(save), weight_name=lora.WEIGHTS)
    assert differ(before, draw(pipeline))


def test_a_style_lora_changes_the_encoded_prompt(sd, folder_of):
    pipeline = load(sd)
    before = pipeline.encode_prompt("a red star", "cpu", 1, False)[0]
    pipeline.load_lora_weights(folder_of(lora.save_style_lora))
    assert not torch.allclose(before, pipeline.encode_prompt("a red star", "cpu", 1, False)[0])


@pytest.mark.parametrize("vectors", [1, 3])
def test_a_textual_inversion_changes_the_picture(vectors, sd, tmp_path):
    pipeline = load(sd)
    before = draw(pipeline, "a <doodle>")
    pipeline.load_textual_inversion(textual_inversion.save_textual_inversion(tmp_path, vectors=vectors))
    assert differ(before, draw(pipeline, "a <doodle>"))


def test_a_textual_inversion_changes_both_encoders_of_xl(xl, folder_of):
    pipeline = load(xl)
    learned = load_file(folder_of(textual_inversion.save_textual_inversion_xl) / textual_inversion.WEIGHTS)
    before = draw(pipeline, "a <doodle>")
    for key, end in (("clip_l", ""), ("clip_g", "_2")):
        encoder, words = getattr(pipeline, f"text_encoder{end}"), getattr(pipeline, f"tokenizer{end}")
        pipeline.load_textual_inversion(learned[key], token="<doodle>", text_encoder=encoder, tokenizer=words)
        after = draw(pipeline, "a <doodle>")
        assert differ(before, after)
        before = after


@pytest.mark.parametrize("guided", [True, False])
def test_only_guidance_distilled_flux_depends_on_the_guidance_scale(guided, tmp_path):
    pipeline = load(save_flux(tmp_path, guidance_embeds=guided))
    size = {"height": 16, "width": 16}
    weak, strong = (draw(pipeline, guidance_scale=scale, **size) for scale in (1.0, 5.0))
    assert np.array_equal(weak, strong) != guided


def test_words_are_one_token_each():
    assert clip_tokenizer().tokenize("a red star") == ["a</w>", "red</w>", "star</w>"]
    assert t5_tokenizer().tokenize("a red star") == ["▁", "a", "▁red", "▁star"]
    assert gemma_tokenizer().tokenize("a red star") == ["a", "▁red", "▁star"]
    assert qwen_tokenizer().tokenize("a red star") == ["a", "Ġred", "Ġstar"]


def test_the_template_of_qwen_image_has_the_34_tokens_that_the_pipeline_drops(folder_of):
    pipeline = load(folder_of(FAMILIES["QwenImagePipeline"].save))
    before, _ = pipeline.prompt_template_encode.split("{}")
    assert len(pipeline.tokenizer(before).input_ids) == pipeline.prompt_template_encode_start_idx == 34
