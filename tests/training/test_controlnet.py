from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, StableDiffusionPipeline

from farm.models import HERE, find
from tests.exhaustive import sample
from training.controlnet import (
    REQUIRED,
    canny,
    held_out_sketches,
    load_with_controlnet,
    new_controlnet,
    overlaps,
    render_sketches,
    train_controlnet,
)
from training.dataset import Drawings
from training.drawing import draw
from training.evaluation import generate
from training.loop import TrainConfig
from training.scenes import is_held_out, scene_at
from training.unet import LatentDataset, caption_rows, new_unet
from training.vae import through_autoencoder


@pytest.fixture(scope="module")
def guided() -> StableDiffusionControlNetPipeline:
    return load_with_controlnet(HERE / "tiny-world", HERE / "tiny-world-canny")


def test_edges_are_white_on_black_in_all_channels() -> None:
    edges = canny(np.asarray(held_out_sketches(1)[0].drawing))
    assert edges.shape == (64, 64, 3)
    assert set(np.unique(edges)) == {0, 255}
    assert (edges == edges[:, :, :1]).all()


def test_a_flat_picture_has_no_edges() -> None:
    assert not canny(np.full((64, 64, 3), 90, dtype=np.uint8)).any()


def test_a_new_controlnet_has_no_effect() -> None:
    unet = new_unet(64)
    noisy, times, text = torch.randn(2, 4, 8, 8), torch.tensor([10, 900]), torch.randn(2, 5, 128)
    down, middle = new_controlnet(unet)(noisy, times, text, torch.ones(2, 3, 64, 64), return_dict=False)
    guided = unet(
        noisy, times, text, down_block_additional_residuals=down, mid_block_additional_residual=middle
    ).sample
    assert torch.equal(guided, unet(noisy, times, text).sample)


def test_training_changes_the_controlnet_and_not_the_unet(tmp_path: Path) -> None:
    scenes = tuple(scene_at("train", 1, index) for index in range(8))
    drawn = Drawings(scenes=scenes, pixels=np.stack([np.asarray(draw(scene, 1)) for scene in scenes]))
    dataset = LatentDataset(
        latents=torch.randn(8, 4, 8, 8),
        scenes=scenes,
        embeddings=torch.zeros(1, 1, 128).expand(len(caption_rows()), 5, 128),
    )
    unet = new_unet(64)
    net = new_controlnet(unet)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    config = TrainConfig(name="net", steps=2, learning_rate=0.01, checkpoint=tmp_path / "net.pt", seed=1)
    train_controlnet(net, unet, dataset, drawn, config, torch.device("cpu"))
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())
    assert net.controlnet_mid_block.weight.any()
    assert net.controlnet_cond_embedding.conv_out.weight.any()


def test_the_shipped_controlnet_is_found_by_name_and_loads_as_float32() -> None:
    shipped = find("tiny-world-canny")
    assert shipped is not None
    assert (shipped.kind, shipped.architecture) == ("controlnet", "ControlNetModel")
    assert ControlNetModel.from_pretrained(shipped.path).dtype == torch.float32


def test_sketches_for_the_evaluation_are_of_held_out_combinations() -> None:
    scenes = [sketch.prompt.scene for sketch in held_out_sketches(50)]
    assert all(is_held_out(scene.shape, scene.colour, scene.background) for scene in scenes)


def test_ten_shapes_are_at_the_edges(guided: StableDiffusionControlNetPipeline) -> None:
    sketches = held_out_sketches(10)
    _check_mean(overlaps(sketches, render_sketches(guided, sketches)))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_hundred_shapes_are_at_the_edges(guided: StableDiffusionControlNetPipeline) -> None:
    sketches = held_out_sketches(100)
    _check_mean(overlaps(sketches, render_sketches(guided, sketches)))


@pytest.mark.slow
@pytest.mark.parametrize("count", sample([10, 40], of=[10]))
def test_without_the_controlnet_shapes_are_elsewhere(count: int) -> None:
    sketches = held_out_sketches(count)
    pipeline = StableDiffusionPipeline.from_pretrained(HERE / "tiny-world")
    values = overlaps(sketches, generate(pipeline, [sketch.prompt.text for sketch in sketches]))
    assert sum(values) / len(values) < REQUIRED - 0.1, f"measured {sum(values) / len(values):.3f}"


def test_shapes_are_measured_well_after_the_autoencoder(
    guided: StableDiffusionControlNetPipeline,
) -> None:
    sketches = held_out_sketches(20)
    pictures = through_autoencoder(guided.vae, [sketch.drawing for sketch in sketches])
    assert np.mean(overlaps(sketches, pictures)) >= 0.85


def _check_mean(values: list[float]) -> None:
    mean = sum(values) / len(values)
    assert mean >= REQUIRED, f"measured {mean:.3f} over {len(values)} edges, required {REQUIRED}"
