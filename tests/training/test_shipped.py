from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from transformers import AutoImageProcessor, CLIPModel, CLIPTokenizer, ResNetForImageClassification

from farm.models import HERE, find, shipped
from tests.exhaustive import sample
from training.clip import zero_shot_accuracy
from training.dataset import load_drawings
from training.evaluation import classify, generate, held_out_prompts, interpolate, share
from training.measures import largest_jump, roughness
from training.resnet import classify_shapes
from training.scenes import SHAPES, is_held_out

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    loaded = StableDiffusionPipeline.from_pretrained(HERE / "tiny-world")
    loaded.set_progress_bar_config(disable=True)
    return loaded


def test_the_shipped_folders_are_found_by_name() -> None:
    world, clip, resnet = find("tiny-world"), find("tiny-world-clip"), find("tiny-world-resnet")
    assert world is not None
    assert world.pipeline_class == "StableDiffusionPipeline"
    assert clip is not None
    assert (clip.kind, clip.architecture) == ("model", "CLIPModel")
    assert resnet is not None
    assert resnet.architecture == "ResNetForImageClassification"


def test_an_unknown_name_finds_nothing() -> None:
    assert find("stable-diffusion-9") is None


def test_every_shipped_model_has_a_card_that_describes_it() -> None:
    assert [model.name for model in shipped() if not model.description] == []


def test_all_shipped_models_together_take_at_most_30_megabytes() -> None:
    total = sum(model.bytes for model in shipped())
    assert total <= 30 * MEGABYTE, f"{total / MEGABYTE:.1f} MB, allowed 30"


def test_nothing_shipped_is_a_pickle() -> None:
    allowed = {".safetensors", ".json", ".txt", ".md"}
    files = [path for model in shipped() for path in model.path.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix not in allowed] == []


def test_the_pipeline_loads_as_float32(pipeline: StableDiffusionPipeline) -> None:
    parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
    assert {part.dtype for part in parts} == {torch.float32}


def test_the_text_encoder_is_the_text_half_of_the_shipped_clip(pipeline: StableDiffusionPipeline) -> None:
    clip = CLIPModel.from_pretrained(HERE / "tiny-world-clip")
    mine, theirs = pipeline.text_encoder.state_dict(), clip.text_model.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_resnet_classifies_the_shapes(tmp_path: Path) -> None:
    resnet = ResNetForImageClassification.from_pretrained(HERE / "tiny-world-resnet")
    assert tuple(resnet.config.id2label[number] for number in range(len(SHAPES))) == SHAPES
    drawn = load_drawings("held-out", count=60, size=64, seed=11, folder=tmp_path)
    predicted = classify_shapes(resnet, drawn.batch(torch.arange(60)))
    right = share([name == scene.shape for name, scene in zip(predicted, drawn.scenes, strict=True)])
    assert right >= 0.95, f"measured {right:.3f}, required 0.95"


def test_the_processors_resize_any_picture_to_the_size_of_the_models(
    pipeline: StableDiffusionPipeline,
) -> None:
    picture = generate(pipeline, ["a red star"])[0].resize((100, 80))
    for name in ("tiny-world-clip", "tiny-world-resnet"):
        processor = AutoImageProcessor.from_pretrained(HERE / name)
        assert processor(picture, return_tensors="pt").pixel_values.shape == (1, 3, 64, 64)


def test_clip_recognizes_shapes_colours_backgrounds_and_styles(tmp_path: Path) -> None:
    clip = CLIPModel.from_pretrained(HERE / "tiny-world-clip")
    tokenizer = CLIPTokenizer.from_pretrained(HERE / "tiny-world-clip")
    drawn = load_drawings("held-out", count=100, size=64, seed=12, folder=tmp_path)
    measured = zero_shot_accuracy(clip, tokenizer, drawn)
    required = {"shape": 0.95, "colour": 0.95, "background": 0.95, "style": 0.95}
    short = {group: value for group, value in measured.items() if value < required[group]}
    assert short == {}, f"measured {measured}, required {required}"


def test_four_held_out_prompts_are_followed(pipeline: StableDiffusionPipeline) -> None:
    _check_accuracy(pipeline, 4, required=0.75)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_held_out_prompts_are_followed(pipeline: StableDiffusionPipeline) -> None:
    _check_accuracy(pipeline, 24, required=0.9)


@pytest.mark.slow
@pytest.mark.parametrize("count", sample([16, 40], of=[16]))
def test_an_interpolation_between_two_prompts_is_smooth_and_never_noise(
    pipeline: StableDiffusionPipeline, count: int
) -> None:
    frames = interpolate(
        pipeline, "a red star at the beach, watercolor", "a blue fish in the sea, cartoon", count
    )
    assert max(roughness(frame) for frame in frames) < 0.12
    assert largest_jump(frames) < 0.2


def test_prompts_for_the_evaluation_are_of_held_out_combinations() -> None:
    scenes = [prompt.scene for prompt in held_out_prompts(50)]
    assert all(is_held_out(scene.shape, scene.colour, scene.background) for scene in scenes)


def _check_accuracy(pipeline: StableDiffusionPipeline, count: int, required: float) -> None:
    prompts = held_out_prompts(count)
    classified = classify(
        HERE / "tiny-world-resnet", prompts, generate(pipeline, [prompt.text for prompt in prompts])
    )
    shape, colour = (
        share([one.shape_is_right for one in classified]),
        share([one.colour_is_right for one in classified]),
    )
    assert min(shape, colour) >= required, f"shape {shape:.2f}, colour {colour:.2f}, required {required}"
