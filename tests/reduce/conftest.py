"""Small moving pictures, and job folders for them."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from farm.records import Conditioning, Frame, Noise, Pixels, ProceduralSpec, Recipe, SchedulerSpec
from farm.store import JobFolder, encode_frame, file_name


def draw(index: int, height: int = 64, width: int = 64) -> Pixels:
    """Return a soft gradient with a disc that moves right by one pixel per frame."""
    y, x = np.mgrid[0:height, 0:width]
    ground = np.stack([80 + 100 * y / height, 120 + 60 * x / width, np.full(y.shape, 150.0)], axis=-1)
    disc = np.hypot(x - (8 + index) % width, y - height / 2) < height / 5
    return np.where(disc[..., None], (230, 150, 40), ground).astype(np.uint8)


def frame_of(index: int) -> Frame:
    return Frame(
        index=index,
        alpha=index / 100,
        recipe=Recipe(
            conditioning=Conditioning(
                prompts=("a dog", "a bowl of fruit"), weights=(0.25, 0.75), mix="lerp", negative_prompt="text"
            ),
            noise=Noise(mode="fixed", mix="sum", seeds=(2**63 - 1,), weights=(1.0,), stream=0),
            scheduler=SchedulerSpec(class_name="DDIMScheduler", config={}),
            arguments={"num_inference_steps": 4, "guidance_scale": 7.5},
        ),
        digest=f"{index:064x}",
    )


def store(folder: JobFolder, frames: Iterable[int], height: int = 64, width: int = 64) -> None:
    for index in frames:
        data = encode_frame(draw(index, height, width), frame_of(index), ProceduralSpec())
        folder.write(file_name(index), data)


@pytest.fixture(name="draw")
def _draw() -> Callable[..., Pixels]:
    return draw


@pytest.fixture(name="frame_of")
def _frame_of() -> Callable[[int], Frame]:
    return frame_of


@pytest.fixture(name="store")
def _store() -> Callable[..., None]:
    return store


@pytest.fixture
def folder(tmp_path) -> JobFolder:
    return JobFolder(str(tmp_path / "job"))
