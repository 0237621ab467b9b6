"""Repainted areas: around a picture, and in a crop around the mask; each frame is a plain call."""

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from farm.records import ControlNetSpec, ExpandSpec
from farm.render import open_renderer
from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.stable_diffusion import save_inpainting, save_stable_diffusion
from tests.checkpoints.stable_diffusion_xl import save_stable_diffusion_xl
from tests.render.additions import part
from tests.render.frames import chunk_of, frame_of, noise_of, picture_of, spec_of
from tests.render.ways import PROMPTS, SEEDS, STEPS, same
from tests.support import FEATURES

PIPELINES = {"SD": "StableDiffusionInpaintPipeline", "SDXL": "StableDiffusionXLInpaintPipeline"}
SAVED = {"SD": save_inpainting, "SDXL": save_stable_diffusion_xl}
UNETS = {
    "of nine channels": ("SD", save_inpainting),
    "of four channels": ("SD", save_stable_diffusion),
    "of SDXL": ("SDXL", save_stable_diffusion_xl),
}
OUTPAINTED = FEATURES["outpainting, a crop around the mask"]


def plain(kind, folder, count, **arguments):
    return called(getattr(diffusers, PIPELINES[kind]).from_pretrained(folder), count, **arguments)


def called(pipeline, count, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        PROMPTS[:count],
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in SEEDS[:count]],
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        **arguments,
    ).images
    return [np.asarray(image) for image in images]


def frames(count, pictures, **settings):
    shared = {"negative_prompt": None, "num_inference_steps": STEPS, "pictures": pictures} | settings
    return [frame_of(i, {PROMPTS[i]: 1.0}, noise=noise_of(SEEDS[i]), **shared) for i in range(count)]


@pytest.mark.parametrize("unet", [name for name, (kind, _) in UNETS.items() if kind in OUTPAINTED])
def test_outpainting_is_inpainting_on_a_larger_canvas(folders, tmp_path, unet):
    kind, save = UNETS[unet]
    folder, path = folders(save), tmp_path / "picture.png"
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    sides = {"left": 8, "right": 0, "top": 4, "bottom": 4}
    given = {
        "image": picture_of(path, prepare=ExpandSpec(**sides, part="canvas")),
        "mask_image": picture_of(path, prepare=ExpandSpec(**sides, part="mask")),
    }
    renderer = open_renderer(spec_of(folder, pipeline=PIPELINES[kind]))
    ours = renderer.render(chunk_of(*frames(3, given, height=32, width=32)))
    canvas = Image.fromarray(np.pad(pixels, ((4, 4), (8, 0), (0, 0)), mode="edge"))
    everything = np.full((32, 32), 255, np.uint8)
    mask = everything.copy()
    mask[12:20, 16:32] = 0  # 8 pixels within the picture's three seams
    theirs, all_anew = (
        plain(
            kind,
            folder,
            3,
            image=[canvas] * 3,
            mask_image=[Image.fromarray(painted)] * 3,
            height=32,
            width=32,
        )
        for painted in (mask, everything)
    )
    assert same(ours, theirs) == [True] * 3
    assert same(ours, all_anew) == [False] * 3


@pytest.mark.parametrize("kind", FEATURES["outpainting, a crop around the mask"])
def test_a_crop_around_the_mask_is_painted_and_pasted_back(folders, pictures, tmp_path, kind):
    folder, mask = folders(SAVED[kind]), tmp_path / "mask.png"
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4:8, 4:8] = 255
    Image.fromarray(pixels).convert("RGB").save(mask)
    given = {"image": picture_of(pictures[0]), "mask_image": picture_of(mask)}
    renderer = open_renderer(spec_of(folder, pipeline=PIPELINES[kind]))
    ours = renderer.render(chunk_of(*frames(1, given, padding_mask_crop=2)))
    opened = [Image.open(path).convert("RGB") for path in (pictures[0], mask)]
    theirs = plain(kind, folder, 1, image=opened[0], mask_image=opened[1], padding_mask_crop=2)
    assert same(ours, theirs) == [True]
    assert np.array_equal(ours[0][12:, 12:], np.asarray(opened[0])[12:, 12:])


def test_a_crop_is_also_painted_with_a_controlnet(folders, pictures, tmp_path):
    folder, net, mask = folders(save_stable_diffusion), folders(save_controlnet), tmp_path / "mask.png"
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4:8, 4:8] = 255
    Image.fromarray(pixels).convert("RGB").save(mask)
    paths = {"image": pictures[0], "mask_image": mask, "control_image": pictures[1]}
    given = {name: picture_of(path) for name, path in paths.items()}
    nets = (ControlNetSpec(source=part(net), subfolder="", variant=None),)
    pipeline = "StableDiffusionControlNetInpaintPipeline"
    renderer = open_renderer(spec_of(folder, pipeline=pipeline, controlnets=nets))
    ours = renderer.render(chunk_of(*frames(1, given, padding_mask_crop=2)))
    other = diffusers.StableDiffusionControlNetInpaintPipeline.from_pretrained(
        folder, controlnet=diffusers.ControlNetModel.from_pretrained(net)
    )
    opened = {name: Image.open(path).convert("RGB") for name, path in paths.items()}
    theirs = called(other, 1, padding_mask_crop=2, **opened)
    assert same(ours, theirs) == [True]
