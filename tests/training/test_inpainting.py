from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image

from farm.models import HERE
from farm.records import Chunk, ExpandSpec, Frame
from farm.render import Renderer, open_renderer
from tests.render.frames import frame_of, noise_of, picture_of, spec_of
from training.drawing import shape_mask
from training.evaluation import STEPS
from training.inpainting import (
    CELL,
    LOW_GUIDANCE,
    REQUIRED,
    Repair,
    held_out_repairs,
    load_for_inpainting,
    matches_prompt,
    repaint,
    with_inpainting,
)
from training.measures import psnr, squared_errors_outside
from training.scenes import is_held_out
from training.vae import through_autoencoder

MATCHING = 0.75
"""Required share of pictures that show the prompt's shape, in its colour in the mask."""

BORDER = 2
"""Pixels around the mask in which the decoder mixes most of the new into the old."""


@pytest.fixture(scope="module")
def inpainting() -> StableDiffusionInpaintPipeline:
    return load_for_inpainting(HERE / "tiny-world")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return open_renderer(spec_of(HERE / "tiny-world", pipeline="StableDiffusionInpaintPipeline"))


def test_a_repair_is_of_held_out_scenes_and_requests_another_shape_in_another_colour() -> None:
    for repair in held_out_repairs(50):
        old, new = repair.drawn, repair.prompt.scene
        assert all(is_held_out(scene.shape, scene.colour, scene.background) for scene in (old, new))
        assert (old.background, old.style) == (new.background, new.style)
        assert old.shape != new.shape
        assert old.colour != new.colour


def test_a_mask_consists_of_complete_latents_and_covers_the_shape() -> None:
    for repair in held_out_repairs(50):
        cells = repair.mask.reshape(8, CELL, 8, CELL)
        assert (cells.all((1, 3)) == cells.any((1, 3))).all()
        assert not (shape_mask(repair.drawn, repair.seed) & ~repair.mask).any()
        assert not repair.mask.all()


def test_changes_in_the_mask_do_not_count_and_changes_near_it_count_by_distance() -> None:
    mask = np.zeros((64, 64), dtype=bool)
    mask[16:32, 16:32] = True
    black = Image.new("RGB", (64, 64))
    inside, near = black.copy(), black.copy()
    inside.paste((255, 0, 0), (16, 16, 32, 32))
    near.paste((255, 255, 255), (34, 20, 35, 21))
    assert psnr(squared_errors_outside(inside, black, mask)) == float("inf")
    assert psnr(squared_errors_outside(near, black, mask, 2)) == pytest.approx(
        10 * np.log10(64 * 64 - 20 * 20)
    )
    assert psnr(squared_errors_outside(near, black, mask, 3)) == float("inf")
    assert squared_errors_outside(near, black, mask, 48).size == 0


def test_the_latents_outside_the_mask_are_those_of_the_picture(
    inpainting: StableDiffusionInpaintPipeline,
) -> None:
    repair = held_out_repairs(1)[0]
    made = inpainting(
        repair.prompt.text,
        image=repair.drawing,
        mask_image=Image.fromarray(repair.mask),
        num_inference_steps=3,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="latent",
    ).images[0]
    pixels = inpainting.image_processor.preprocess(repair.drawing)
    with torch.no_grad():
        encoded = inpainting.vae.encode(pixels).latent_dist.sample(torch.Generator("cpu").manual_seed(5))[0]
    same = (made == encoded * inpainting.vae.config.scaling_factor).all(0).numpy()
    assert (same == ~repair.mask[::CELL, ::CELL]).all()


def test_ten_renders_preserve_the_unmasked_part_and_fill_the_mask(
    renderer: Renderer, inpainting: StableDiffusionInpaintPipeline, tmp_path: Path
) -> None:
    repairs = held_out_repairs(10)
    pictures = _rendered(renderer, repairs, tmp_path)
    _check_preserved(_mean_outside(repairs, pictures, inpainting, BORDER))
    _check_matching(repairs, pictures)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_hundred_renders_preserve_the_unmasked_part_and_fill_the_mask(
    renderer: Renderer, inpainting: StableDiffusionInpaintPipeline, tmp_path: Path
) -> None:
    repairs = held_out_repairs(100)
    pictures = _rendered(renderer, repairs, tmp_path)
    for distance in (0, BORDER, CELL):
        _check_preserved(_mean_outside(repairs, pictures, inpainting, distance))
    _check_matching(repairs, pictures)


def test_before_inpainting_no_drawing_matches_the_prompt() -> None:
    repairs = held_out_repairs(20)
    assert not any(matches_prompt(HERE / "tiny-world-resnet", repairs, [one.drawing for one in repairs]))


def test_the_evaluated_pictures_are_those_that_the_farm_renders(
    renderer: Renderer, inpainting: StableDiffusionInpaintPipeline, tmp_path: Path
) -> None:
    repairs = held_out_repairs(3)
    ours, theirs = _rendered(renderer, repairs, tmp_path), repaint(inpainting, repairs, LOW_GUIDANCE)
    assert [np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True)] == [True] * 3


def test_outpainting_preserves_the_picture_and_continues_it_at_its_sides(
    renderer: Renderer, inpainting: StableDiffusionInpaintPipeline, tmp_path: Path
) -> None:
    repairs = held_out_repairs(10)
    frames = [_outpainted(repair, number, tmp_path) for number, repair in enumerate(repairs)]
    pictures = _pictures(renderer, frames)
    canvases = [
        Image.fromarray(np.pad(np.asarray(repair.drawing), ((0, 0), (16, 16), (0, 0)), mode="edge"))
        for repair in repairs
    ]
    painted = np.ones((64, 96), dtype=bool)
    painted[:, 24:72] = False  # the mask extends one latent into the picture
    before = through_autoencoder(inpainting.vae, canvases)
    kept = [
        psnr(squared_errors_outside(one, other, painted)) for one, other in zip(pictures, before, strict=True)
    ]
    _check_preserved(float(np.mean(kept)))
    # The added parts are more than the copied edge of the canvas.
    changed = [
        np.abs(np.asarray(one, dtype=float) - np.asarray(other))[:, :16].mean()
        for one, other in zip(pictures, before, strict=True)
    ]
    assert np.mean(changed) > 3, f"measured {np.mean(changed):.1f} of 255"


def test_the_card_contains_the_section_once() -> None:
    measured = {
        "distance": 2,
        "pictures": 100,
        "mean": 30.5,
        "least": 20.4,
        "reached": 0.57,
        "together": 29.8,
    }
    figures = {
        "repairs": 100,
        "masked": 0.65,
        "matching": {"repainted": 0.92},
        "guided": {"3": [measured]},
        "against_drawing": 31.0,
    }
    once = with_inpainting("# tiny-world\n\n## Limits\n\nIt knows\n", figures)
    assert "| 3 | 2 | 100 | 30.5 | 20.4 | 57% | 29.8 |\n" in once
    assert once.endswith("\n\n## Limits\n\nIt knows\n")
    assert with_inpainting(once, figures) == once


def _mean_outside(
    repairs: list[Repair],
    pictures: list[Image.Image],
    inpainting: StableDiffusionInpaintPipeline,
    distance: int,
) -> float:
    """Return the mean PSNR that far from the mask, over the pictures that extend that far."""
    before = through_autoencoder(inpainting.vae, [repair.drawing for repair in repairs])
    squares = [
        squared_errors_outside(one, other, repair.mask, distance)
        for one, other, repair in zip(pictures, before, repairs, strict=True)
    ]
    return float(np.mean([psnr(one) for one in squares if one.size]))


def _check_preserved(mean: float) -> None:
    assert mean > REQUIRED, f"measured {mean:.1f} dB, required {REQUIRED}"


def _check_matching(repairs: list[Repair], pictures: list[Image.Image]) -> None:
    share = np.mean(matches_prompt(HERE / "tiny-world-resnet", repairs, pictures))
    assert share >= MATCHING, f"measured {share:.2f}, required {MATCHING}"


def _rendered(renderer: Renderer, repairs: list[Repair], folder: Path) -> list[Image.Image]:
    frames = []
    for number, repair in enumerate(repairs):
        image, mask = folder / f"image{number}.png", folder / f"mask{number}.png"
        repair.drawing.save(image)
        Image.fromarray(repair.mask).save(mask)
        pictures = {"image": picture_of(image), "mask_image": picture_of(mask)}
        frames.append(_frame(number, repair.prompt.text, pictures, guidance_scale=LOW_GUIDANCE))
    return _pictures(renderer, frames)


def _outpainted(repair: Repair, number: int, folder: Path) -> Frame:
    """Return a frame that extends the drawing by 16 pixels on the left and right."""
    path = folder / f"image{number}.png"
    repair.drawing.save(path)
    pictures = {
        name: picture_of(path, prepare=ExpandSpec(left=16, right=16, top=0, bottom=0, part=part))
        for name, part in (("image", "canvas"), ("mask_image", "mask"))
    }
    drawn = repair.drawn
    text = f"{drawn.colour} {drawn.shape}, {drawn.style}, {drawn.background}"
    return _frame(number, text, pictures, guidance_scale=1.5, height=64, width=96)


def _frame(number: int, text: str, pictures, **arguments) -> Frame:
    return frame_of(
        number,
        {text: 1.0},
        noise=noise_of(number),
        negative_prompt=None,
        pictures=pictures,
        strength=1.0,
        num_inference_steps=STEPS,
        **arguments,
    )


def _pictures(renderer: Renderer, frames: list[Frame]) -> list[Image.Image]:
    parts = [tuple(frames[start : start + 10]) for start in range(0, len(frames), 10)]
    chunks = [Chunk(index=index, batch_size=len(part), frames=part) for index, part in enumerate(parts)]
    return [Image.fromarray(pixels) for chunk in chunks for pixels in renderer.render(chunk)]
