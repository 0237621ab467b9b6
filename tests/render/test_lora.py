"""LoRA adapters: their scales are what diffusers makes of them, frame by frame."""

import diffusers
import numpy as np
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from farm.records import Lora
from farm.render import open_renderer
from farm.render.checkpoints.source import find_source
from tests.render.frames import chunk_of, frame_of, spec_of


@pytest.fixture(scope="module")
def lora_folder(tiny_sd, tmp_path_factory):
    """A LoRA of random weights for the tiny UNet's attention."""
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(tiny_sd)
    torch.manual_seed(1)
    pipeline.unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_v"]))
    folder = tmp_path_factory.mktemp("lora")
    pipeline.save_lora_weights(folder, unet_lora_layers=get_peft_model_state_dict(pipeline.unet))
    return folder


@pytest.fixture(scope="module")
def renderer(tiny_sd, lora_folder):
    source = find_source(str(lora_folder), None, lora_folder, holds="adapter")
    return open_renderer(spec_of(tiny_sd, loras=(Lora(source=source, weight_name=None),)))


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
def test_a_lora_at_a_scale_is_what_diffusers_makes_of_it(renderer, tiny_sd, lora_folder, scale):
    ours = renderer.render(chunk_of(frame_of(**{"lora_scale.0": scale})))[0]
    torch.set_num_threads(1)
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(tiny_sd)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(lora_folder, adapter_name="style")
    pipeline.set_adapters(["style"], adapter_weights=[scale])
    plain = pipeline(
        "a red star",
        negative_prompt="dull",
        num_inference_steps=4,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(42),
    ).images[0]
    assert np.array_equal(ours, np.asarray(plain))


def test_a_scale_changes_the_picture_and_leaves_no_trace(renderer):
    weak, strong, again = (
        renderer.render(chunk_of(frame_of(**{"lora_scale.0": scale})))[0] for scale in (0.0, 2.0, 0.0)
    )
    assert not np.array_equal(weak, strong)
    assert np.array_equal(weak, again)
