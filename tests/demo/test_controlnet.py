from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, StableDiffusionPipeline

from farm.demo.controlnet import canny, new_controlnet, train_controlnet
from farm.demo.controlnet_evaluation import (
    held_out_sketches,
    load_with_controlnet,
    overlaps,
    render_sketches,
    through_autoencoder,
)
from farm.demo.drawings import Drawings, scene_at
from farm.demo.evaluation import generate
from farm.demo.loop import Course
from farm.demo.unet import Lessons, caption_rows, new_unet
from farm.demo.vocabulary import is_held_out
from farm.demo.world import draw
from farm.models import HERE, find

REQUIRED = 0.7
"""Mean intersection over union of the shape in the picture with the shape whose edges were given."""


@pytest.fixture(scope="module")
def guided() -> StableDiffusionControlNetPipeline:
    return load_with_controlnet(HERE / "tiny-world", HERE / "tiny-world-canny")


def test_edges_are_white_on_black_and_lie_around_the_shape() -> None:
    edges = canny(np.asarray(held_out_sketches(1)[0].drawing))
    assert edges.shape == (64, 64, 3)
    assert set(np.unique(edges)) == {0, 255}
    assert (edges == edges[:, :, :1]).all()


def test_a_flat_picture_has_no_edges() -> None:
    assert not canny(np.full((64, 64, 3), 90, dtype=np.uint8)).any()


def test_a_new_controlnet_changes_nothing_yet() -> None:
    unet = new_unet(64)
    noisy, times, text = torch.randn(2, 4, 8, 8), torch.tensor([10, 900]), torch.randn(2, 5, 128)
    down, middle = new_controlnet(unet)(noisy, times, text, torch.ones(2, 3, 64, 64), return_dict=False)
    guided = unet(
        noisy, times, text, down_block_additional_residuals=down, mid_block_additional_residual=middle
    ).sample
    assert torch.equal(guided, unet(noisy, times, text).sample)


def test_training_moves_the_controlnet_and_leaves_the_unet_alone(tmp_path: Path) -> None:
    scenes = tuple(scene_at("train", 1, index) for index in range(8))
    drawn = Drawings(scenes=scenes, pixels=np.stack([np.asarray(draw(scene, 1)) for scene in scenes]))
    lessons = Lessons(
        latents=torch.randn(8, 4, 8, 8),
        scenes=scenes,
        embeddings=torch.zeros(1, 1, 128).expand(len(caption_rows()), 5, 128),
    )
    unet = new_unet(64)
    net = new_controlnet(unet)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    course = Course(name="net", steps=2, learning_rate=0.01, checkpoint=tmp_path / "net.pt", seed=1)
    train_controlnet(net, unet, lessons, drawn, course, torch.device("cpu"))
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())
    assert net.controlnet_mid_block.weight.any()
    assert net.controlnet_cond_embedding.conv_out.weight.any()


def test_the_shipped_controlnet_is_found_by_name_and_loads_as_float32() -> None:
    shipped = find("tiny-world-canny")
    assert shipped is not None
    assert (shipped.kind, shipped.architecture) == ("controlnet", "ControlNetModel")
    assert ControlNetModel.from_pretrained(shipped.path).dtype == torch.float32


def test_sketches_for_the_evaluation_were_held_out_of_training() -> None:
    scenes = [sketch.prompt.scene for sketch in held_out_sketches(50)]
    assert all(is_held_out(scene.shape, scene.colour, scene.background) for scene in scenes)


def test_ten_shapes_stand_where_the_edges_are(guided: StableDiffusionControlNetPipeline) -> None:
    sketches = held_out_sketches(10)
    _check_mean(overlaps(sketches, render_sketches(guided, sketches)))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_hundred_shapes_stand_where_the_edges_are(guided: StableDiffusionControlNetPipeline) -> None:
    sketches = held_out_sketches(100)
    _check_mean(overlaps(sketches, render_sketches(guided, sketches)))


@pytest.mark.slow
def test_without_the_controlnet_shapes_stand_elsewhere() -> None:
    sketches = held_out_sketches(40)
    pipeline = StableDiffusionPipeline.from_pretrained(HERE / "tiny-world")
    found = overlaps(sketches, generate(pipeline, [sketch.prompt.text for sketch in sketches]))
    assert sum(found) / len(found) < REQUIRED - 0.1, f"measured {sum(found) / len(found):.3f}"


def test_the_measure_reads_what_the_autoencoder_leaves_of_a_shape(
    guided: StableDiffusionControlNetPipeline,
) -> None:
    sketches = held_out_sketches(20)
    pictures = through_autoencoder(guided.vae, [sketch.drawing for sketch in sketches])
    assert np.mean(overlaps(sketches, pictures)) >= 0.85


def _check_mean(found: list[float]) -> None:
    mean = sum(found) / len(found)
    assert mean >= REQUIRED, f"measured {mean:.3f} over {len(found)} edges, required {REQUIRED}"
