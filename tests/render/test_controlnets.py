"""Several ControlNets at once."""

import diffusers
import pytest
from PIL import Image

from farm.records import ControlNet
from farm.render import open_renderer
from tests.checkpoints.controlnet import save_controlnet, save_controlnet_xl
from tests.render.beside import MODELS, SIZE, frames, part, plain_call
from tests.render.frames import chunk_of, picture_of, spec_of
from tests.render.ways import same
from tests.support import BESIDE

NETS = {
    "SD": ("StableDiffusionControlNetPipeline", save_controlnet),
    "SDXL": ("StableDiffusionXLControlNetPipeline", save_controlnet_xl),
}


@pytest.mark.parametrize("kind", BESIDE["several ControlNets"])
def test_several_controlnets_each_with_its_picture_scale_and_span(folders, pictures, kind):
    pipeline, net = NETS[kind]
    save = MODELS[kind][1]
    model, nets = folders(save), [folders(net, seed=seed) for seed in (0, 1)]
    controlnets = tuple(ControlNet(source=part(folder), subfolder="", variant=None) for folder in nets)
    renderer = open_renderer(spec_of(model, pipeline=pipeline, controlnets=controlnets))
    scales = {"controlnet_conditioning_scale.0": 0.4, "controlnet_conditioning_scale.1": 0.9}
    spans = {"control_guidance_start.0": 0.0, "control_guidance_start.1": 0.3}
    ends = {"control_guidance_end.0": 0.5, "control_guidance_end.1": 1.0}
    given = {"image.0": picture_of(pictures[0]), "image.1": picture_of(pictures[1])}
    ours = renderer.render(chunk_of(*frames(pictures=given, **scales, **spans, **ends)))
    loaded = getattr(diffusers, pipeline).from_pretrained(
        model, controlnet=[diffusers.ControlNetModel.from_pretrained(folder) for folder in nets]
    )
    opened = [Image.open(path).convert("RGB") for path in pictures[:2]]
    batches = [loaded.control_image_processor.preprocess([one] * 3, **SIZE) for one in opened]
    theirs = plain_call(
        loaded,
        image=batches,
        controlnet_conditioning_scale=[0.4, 0.9],
        control_guidance_start=[0.0, 0.3],
        control_guidance_end=[0.5, 1.0],
    )
    assert same(ours, theirs) == [True] * 3
