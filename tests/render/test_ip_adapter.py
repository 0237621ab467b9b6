"""Image prompts: every kind, several at once, and interpolated; for every way, see test_parts.py."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from farm.errors import ModelError
from farm.records import ImagePrompt, IpAdapterSpec
from farm.render import open_renderer
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.render.additions import MODELS, frames, loaded, part, plain_call
from tests.render.frames import chunk_of, picture_of, spec_of
from tests.render.ways import same
from tests.support import FEATURES

ADAPTERS = {"SD": ("models", "sd15"), "SDXL": ("sdxl_models", "sdxl")}


def ip_adapters(folders, kind, *names):
    subfolder, suffix = ADAPTERS[kind]
    source = part(folders(save_ip_adapter))
    return tuple(
        IpAdapterSpec(
            source=source,
            subfolder=subfolder,
            weight_name=f"{name}_{suffix}.safetensors",
            image_encoder_folder="image_encoder",
        )
        for name in names
    )


def with_ip_adapters(folders, kind, *names):
    pipeline, save = MODELS[kind]
    spec = spec_of(folders(save), pipeline=pipeline, ip_adapters=ip_adapters(folders, kind, *names))
    return open_renderer(spec)


def plain_with_ip_adapters(folders, kind, *names):
    subfolder, suffix = ADAPTERS[kind]
    pipeline = loaded(kind, folders(MODELS[kind][1]))
    pipeline.load_ip_adapter(
        str(folders(save_ip_adapter)),
        subfolder=subfolder,
        weight_name=[f"{name}_{suffix}.safetensors" for name in names],
    )
    return pipeline


def image_prompt(*together):
    return ImagePrompt(prompts=(tuple(map(picture_of, together)),), weights=(1.0,))


@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize("name", ["ip-adapter-plus", "ip-adapter-plus-face"])
@pytest.mark.parametrize("kind", FEATURES["IP-Adapter plus, plus-face"])
def test_an_image_prompt_equals_a_plain_call_bit_for_bit(folders, pictures, kind, name, guidance_scale):
    renderer = with_ip_adapters(folders, kind, name)
    given = {"image_prompts": (image_prompt(pictures[0]),), "ip_adapter_scale.0": 0.6}
    ours = renderer.render(chunk_of(*frames(**given, guidance_scale=guidance_scale)))
    plain = plain_with_ip_adapters(folders, kind, name)
    plain.set_ip_adapter_scale(0.6)
    seen = Image.open(pictures[0]).convert("RGB")
    theirs = plain_call(plain, ip_adapter_image=seen, guidance_scale=guidance_scale)
    assert same(ours, theirs) == [True] * 3


@pytest.mark.parametrize("kind", FEATURES["several IP-Adapters, several pictures"])
def test_several_adapters_with_several_pictures_equal_a_plain_call(folders, pictures, kind):
    names = ("ip-adapter", "ip-adapter-plus")
    renderer = with_ip_adapters(folders, kind, *names)
    prompts = (image_prompt(pictures[0]), image_prompt(pictures[1], pictures[2]))
    scales = {"ip_adapter_scale.0": 0.6, "ip_adapter_scale.1": 0.3}
    ours = renderer.render(chunk_of(*frames(image_prompts=prompts, **scales)))
    plain = plain_with_ip_adapters(folders, kind, *names)
    plain.set_ip_adapter_scale([0.6, 0.3])
    opened = [Image.open(path).convert("RGB") for path in pictures]
    theirs = plain_call(plain, ip_adapter_image=[opened[0], [opened[1], opened[2]]])
    assert same(ours, theirs) == [True] * 3


@pytest.mark.parametrize("kind", FEATURES["interpolation of image prompts"])
def test_an_interpolation_between_image_prompts_ends_at_plain_calls(folders, pictures, kind):
    renderer = with_ip_adapters(folders, kind, "ip-adapter-plus")
    first, second = ((picture_of(path),) for path in pictures[:2])
    mixtures = [
        ImagePrompt(prompts=(first,), weights=(1.0,)),
        ImagePrompt(prompts=(first, second), weights=(0.5, 0.5)),
        ImagePrompt(prompts=(second,), weights=(1.0,)),
    ]
    moving = [
        dataclasses.replace(frame, recipe=dataclasses.replace(frame.recipe, image_prompts=(mixture,)))
        for frame, mixture in zip(frames(**{"ip_adapter_scale.0": 1.0}), mixtures, strict=True)
    ]
    ours = renderer.render(chunk_of(*moving))
    plain = plain_with_ip_adapters(folders, kind, "ip-adapter-plus")
    plain.set_ip_adapter_scale(1.0)
    start, end = (
        plain_call(plain, ip_adapter_image=Image.open(path).convert("RGB")) for path in pictures[:2]
    )
    assert np.array_equal(ours[0], start[0])
    assert np.array_equal(ours[2], end[2])
    assert not np.array_equal(ours[1], start[1])
    assert not np.array_equal(ours[1], end[1])


def test_a_pickle_instead_of_an_image_encoder_is_never_loaded(folders, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(folders(save_ip_adapter), folder)
    encoder = folder / "models" / "image_encoder"
    (encoder / "model.safetensors").unlink()
    torch.save({}, encoder / "pytorch_model.bin")
    adapter = IpAdapterSpec(
        source=part(folder),
        subfolder="models",
        weight_name="ip-adapter_sd15.safetensors",
        image_encoder_folder="image_encoder",
    )
    with pytest.raises(ModelError, match="cannot be loaded as an IP-Adapter"):
        open_renderer(spec_of(folders(MODELS["SD"][1]), ip_adapters=(adapter,)))


@pytest.mark.parametrize("kind", FEATURES["interpolation of image prompts"])
def test_an_uneven_mixture_of_image_prompts_equals_a_plain_call_with_embeddings_mixed_by_hand(
    folders, pictures, kind
):
    names = ("ip-adapter", "ip-adapter-plus")
    renderer = with_ip_adapters(folders, kind, *names)
    first, second = ((picture_of(path),) for path in pictures[:2])
    prompts = (ImagePrompt(prompts=(first, second), weights=(0.8, 0.2)), image_prompt(pictures[2]))
    scales = {"ip_adapter_scale.0": 1.0, "ip_adapter_scale.1": 0.5}
    ours = renderer.render(chunk_of(*frames(image_prompts=prompts, **scales)))
    plain = plain_with_ip_adapters(folders, kind, *names)
    plain.set_ip_adapter_scale([1.0, 0.5])
    opened = [Image.open(path).convert("RGB") for path in pictures[:3]]
    with torch.no_grad():
        (start, other), (end, _) = (
            plain.prepare_ip_adapter_image_embeds([seen, opened[2]], None, torch.device("cpu"), 1, True)
            for seen in opened[:2]
        )
    theirs = plain_call(plain, ip_adapter_image_embeds=[0.8 * start + 0.2 * end, other])
    assert same(ours, theirs) == [True] * 3


def test_a_renderer_keeps_neither_scale_nor_guidance_between_chunks(folders, pictures):
    renderer = with_ip_adapters(folders, "SD", "ip-adapter")
    plain = plain_with_ip_adapters(folders, "SD", "ip-adapter")
    seen = Image.open(pictures[0]).convert("RGB")
    for scale, guidance_scale in ((0.6, 5.0), (1.0, 5.0), (1.0, 1.0), (0.6, 5.0)):
        given = {"image_prompts": (image_prompt(pictures[0]),), "ip_adapter_scale.0": scale}
        ours = renderer.render(chunk_of(*frames(**given, guidance_scale=guidance_scale)))
        plain.set_ip_adapter_scale(scale)
        theirs = plain_call(plain, ip_adapter_image=seen, guidance_scale=guidance_scale)
        assert same(ours, theirs) == [True] * 3
