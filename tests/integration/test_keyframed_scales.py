"""Numbers that move from frame to frame: each frame is a plain call of diffusers at its own value."""

import diffusers
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.checkpoints.lora import save_style_lora
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.render.ways import draw_picture

PROMPT, SEED, STEPS, FRAMES = "a red star", 40, 8, 5
SIZE = {"height": 16, "width": 16}
ZERO_TO_ONE = {0: 0.0, 4: 1.0}
ADAPTER = {"subfolder": "models", "weight_name": "ip-adapter_sd15.safetensors"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("saved")
    save_stable_diffusion(folder / "sd")
    save_style_lora(folder / "style")
    save_ip_adapter(folder / "ip")
    for seed in (0, 1):
        save_controlnet(folder / f"net{seed}", seed=seed)
    draw_picture(folder, "image", 0)
    return folder


@pytest.fixture
def film(farm, saved, tmp_path):
    """Render a film of one prompt through the command line and return its frames, which all differ."""

    def render(kind, render, **model):
        manifest = {
            "version": 1,
            "name": "film",
            "seed": SEED,
            "model": {"pipeline": kind.__name__, "pretrained": str(saved / "sd"), **model},
            "animation": {"kind": "interpolate", "prompts": [PROMPT, PROMPT], "frames": FRAMES},
            "render": {"num_inference_steps": STEPS, "batch_size": 2, **render},
        }
        (tmp_path / "film.yaml").write_text(yaml.safe_dump(manifest))
        code, out, err = farm("render", "film.yaml", "--inline")
        assert code == 0, out + err
        files = sorted((tmp_path / "out" / "film" / "frames").glob("*.png"))
        frames = [np.asarray(Image.open(file)) for file in files]
        assert len({frame.tobytes() for frame in frames}) == FRAMES
        return frames

    return render


def load(kind, saved, **parts):
    pipeline = kind.from_pretrained(saved / "sd", **parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def plain(pipeline, **arguments):
    generator = torch.Generator("cpu").manual_seed(SEED)
    named = {"num_inference_steps": STEPS, "generator": generator} | arguments
    return np.asarray(pipeline(PROMPT, **named).images[0])


def same(frames, theirs):
    return [np.array_equal(one, other) for one, other in zip(frames, theirs, strict=True)] == [True] * FRAMES


def test_the_scale_of_a_lora_rises(film, saved):
    kind = diffusers.StableDiffusionPipeline
    frames = film(kind, SIZE, loras=[{"pretrained": str(saved / "style"), "scale": ZERO_TO_ONE}])
    pipeline = load(kind, saved)
    pipeline.load_lora_weights(saved / "style", adapter_name="style")

    def at(scale):
        pipeline.set_adapters(["style"], adapter_weights=[scale])
        return plain(pipeline, **SIZE)

    assert same(frames, map(at, (0.0, 0.25, 0.5, 0.75, 1.0)))


def test_guidance_rises_from_none(film, saved):
    kind = diffusers.StableDiffusionPipeline
    frames = film(kind, {"guidance_scale": {0: 1.0, 4: 9.0}, **SIZE})
    pipeline = load(kind, saved)
    assert same(
        frames, (plain(pipeline, guidance_scale=scale, **SIZE) for scale in (1.0, 3.0, 5.0, 7.0, 9.0))
    )


def test_eta_rises_from_zero(film, saved):
    kind = diffusers.StableDiffusionPipeline
    frames = film(kind, {"eta": ZERO_TO_ONE, **SIZE})
    pipeline = load(kind, saved)
    assert same(frames, (plain(pipeline, eta=eta, **SIZE) for eta in (0.0, 0.25, 0.5, 0.75, 1.0)))


def test_the_scale_of_an_image_prompt_rises(film, saved):
    kind, picture = diffusers.StableDiffusionPipeline, saved / "image0.png"
    adapter = {"pretrained": str(saved / "ip"), "scale": ZERO_TO_ONE, **ADAPTER}
    frames = film(kind, {"ip_adapter_image": str(picture), **SIZE}, ip_adapters=[adapter])
    pipeline = load(kind, saved)
    pipeline.load_ip_adapter(str(saved / "ip"), **ADAPTER)

    def at(scale):
        pipeline.set_ip_adapter_scale(scale)
        return plain(pipeline, ip_adapter_image=Image.open(picture).convert("RGB"), **SIZE)

    assert same(frames, map(at, (0.0, 0.25, 0.5, 0.75, 1.0)))


def test_strength_rises_away_from_a_picture(film, saved):
    kind, picture = diffusers.StableDiffusionImg2ImgPipeline, saved / "image0.png"
    frames = film(kind, {"image": str(picture), "strength": {0: 0.25, 4: 1.0}})
    pipeline, image = load(kind, saved), Image.open(picture).convert("RGB")
    strengths = (0.25, 0.4375, 0.625, 0.8125, 1.0)
    assert same(frames, (plain(pipeline, image=image, strength=strength) for strength in strengths))


def test_the_scale_of_one_of_two_controlnets_rises(film, saved):
    kind, picture = diffusers.StableDiffusionControlNetPipeline, saved / "image0.png"
    nets = [saved / "net0", saved / "net1"]
    scales = {"image": [str(picture)] * 2, "controlnet_conditioning_scale": [0.5, ZERO_TO_ONE]}
    frames = film(kind, {**scales, **SIZE}, controlnets=[{"pretrained": str(net)} for net in nets])
    pipeline = load(kind, saved, controlnet=[diffusers.ControlNetModel.from_pretrained(net) for net in nets])
    image = Image.open(picture).convert("RGB")
    call = {"image": [image, image], **SIZE}
    theirs = (
        plain(pipeline, controlnet_conditioning_scale=[0.5, scale], **call)
        for scale in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    assert same(frames, theirs)


def test_several_numbers_move_at_once_each_between_its_own_keyframes(film, saved):
    kind, picture = diffusers.StableDiffusionImg2ImgPipeline, saved / "image0.png"
    moving = {"strength": {0: 0.5, 4: 1.0}, "guidance_scale": {0: 5.0, 2: 9.0, 4: 1.0}}
    loras = [{"pretrained": str(saved / "style"), "scale": {2: 0.0, 4: 1.0}}]
    frames = film(kind, {"image": str(picture), **moving}, loras=loras)
    pipeline, image = load(kind, saved), Image.open(picture).convert("RGB")
    pipeline.load_lora_weights(saved / "style", adapter_name="style")

    def at(strength, guidance_scale, lora_scale):
        pipeline.set_adapters(["style"], adapter_weights=[lora_scale])
        return plain(pipeline, image=image, strength=strength, guidance_scale=guidance_scale)

    values = [(0.5, 5.0, 0.0), (0.625, 7.0, 0.0), (0.75, 9.0, 0.0), (0.875, 5.0, 0.5), (1.0, 1.0, 1.0)]
    assert same(frames, (at(*each) for each in values))
