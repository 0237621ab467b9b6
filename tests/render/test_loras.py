"""Several LoRAs, and other scales; test_parts.py covers a single one in every way that accepts LoRAs."""

import diffusers
import numpy as np
import pytest

from farm.records import LoraSpec
from farm.render import open_renderer
from tests.checkpoints.lora import save_lcm_lora, save_lcm_lora_xl, save_lora, save_style_lora
from tests.render.additions import MODELS, frames, loaded, part, plain_call
from tests.render.frames import chunk_of, spec_of
from tests.render.ways import same
from tests.support import FEATURES

LCM_LORAS = {"SD": save_lcm_lora, "SDXL": save_lcm_lora_xl}


@pytest.mark.parametrize("kind", FEATURES["several LoRAs, LCM-LoRA"])
def test_several_loras_apply_at_their_scales_and_an_lcm_lora_with_its_scheduler(folders, kind):
    name, save = MODELS[kind]
    model, lcm = folders(save), folders(LCM_LORAS[kind])
    style = folders(save_lora, model=model, pipeline=name)
    loras = tuple(LoraSpec(source=part(folder), weight_name=None) for folder in (style, lcm))
    renderer = open_renderer(spec_of(model, pipeline=name, loras=loras))
    scales = {"lora_scale.0": 0.5, "lora_scale.1": 1.0}
    ours = renderer.render(chunk_of(*frames(scheduler="LCMScheduler", guidance_scale=1.5, **scales)))
    plain = loaded(kind, model)
    plain.scheduler = diffusers.LCMScheduler.from_config(plain.scheduler.config)
    plain.load_lora_weights(style, adapter_name="style")
    plain.load_lora_weights(lcm, adapter_name="lcm")
    plain.set_adapters(["style", "lcm"], adapter_weights=[0.5, 1.0])
    assert same(ours, plain_call(plain, guidance_scale=1.5)) == [True] * 3


@pytest.mark.parametrize("syntax", ["plain", "compel"])  # to which prompts without weights are the same
def test_prompts_are_encoded_again_at_another_scale_of_a_lora(folders, syntax):
    name, save = MODELS["SD"]
    model, style = folders(save), folders(save_style_lora)
    renderer = open_renderer(
        spec_of(model, pipeline=name, loras=(LoraSpec(source=part(style), weight_name=None),))
    )
    plain = loaded("SD", model)
    plain.load_lora_weights(style, adapter_name="style")
    pictures = []
    for scale in (0.0, 0.5, 2.0, 0.0):
        ours = renderer.render(chunk_of(*frames(syntax=syntax, **{"lora_scale.0": scale})))
        plain.set_adapters(["style"], adapter_weights=[scale])
        assert same(ours, plain_call(plain)) == [True] * 3
        pictures.append(ours[0])
    weak, middle, strong, _ = pictures
    assert not np.array_equal(weak, middle)
    assert not np.array_equal(middle, strong)
