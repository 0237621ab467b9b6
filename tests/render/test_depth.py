"""Depth maps in the manifest: each frame is a plain call with its map."""

import diffusers
import numpy as np
import torch
from PIL import Image

from farm.render import open_renderer
from tests.checkpoints.stable_diffusion import save_depth
from tests.render.frames import chunk_of, frame_of, noise_of, picture_of, spec_of
from tests.render.ways import PROMPTS, SEEDS, STEPS, same

PIPELINE = "StableDiffusionDepth2ImgPipeline"


def test_depth_maps_give_the_tensor_of_a_plain_call(folders, pictures):
    model = folders(save_depth)
    settings = {"negative_prompt": None, "num_inference_steps": STEPS, "strength": 0.75}
    frames = [
        frame_of(
            number,
            {prompt: 1.0},
            noise=noise_of(seed),
            pictures={"image": picture_of(pictures[3]), "depth_map": picture_of(pictures[number])},
            **settings,
        )
        for number, (prompt, seed) in enumerate(zip(PROMPTS, SEEDS, strict=True))
    ]
    ours = open_renderer(spec_of(model, pipeline=PIPELINE)).render(chunk_of(*frames))
    plain = diffusers.StableDiffusionDepth2ImgPipeline.from_pretrained(model)
    plain.set_progress_bar_config(disable=True)

    def call(**depth):
        images = plain(
            PROMPTS,
            image=[Image.open(pictures[3]).convert("RGB")] * 3,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in SEEDS],
            num_inference_steps=STEPS,
            guidance_scale=5.0,
            strength=0.75,
            **depth,
        ).images
        return [np.asarray(image) for image in images]

    grey = np.stack([np.asarray(Image.open(path).convert("L"), np.float32) for path in pictures[:3]])
    assert same(ours, call(depth_map=torch.from_numpy(grey / 255))) == [True] * 3
    assert same(ours, call()) == [False] * 3
