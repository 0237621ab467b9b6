"""Frames and specs for renderer tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from farm.inputs.checkpoints.source import find_source
from farm.records import (
    Chunk,
    Conditioning,
    DiffusersSpec,
    Frame,
    ImagePrompt,
    InputPicture,
    Noise,
    Recipe,
    SchedulerSpec,
)


def spec_of(folder: Path, **changes) -> DiffusersSpec:
    source = find_source(str(folder), None, folder.parent)
    settings = {
        "pipeline": "StableDiffusionPipeline",
        "variant": None,
        "torch_dtype": "float32",
        "loras": (),
        "determinism": "strict",
    }
    return DiffusersSpec(source=source, **(settings | changes))


def noise_of(seed: int) -> Noise:
    return Noise(mode="fixed", mix="sum", seeds=(seed,), weights=(1.0,), stream=seed)


def frame_of(
    index: int = 0,
    prompts: dict[str, float] | None = None,
    *,
    noise: Noise | None = None,
    scheduler: str = "",
    config: dict[str, object] | None = None,
    negative_prompt: str | None = "dull",
    drift=None,
    mix="lerp",
    syntax="plain",
    pictures: dict[str, InputPicture] | None = None,
    image_prompts: tuple[ImagePrompt, ...] = (),
    **arguments,
) -> Frame:
    mixture = prompts or {"a red star": 1.0}
    return Frame(
        index=index,
        alpha=0.0,
        digest="0",
        recipe=Recipe(
            conditioning=Conditioning(
                prompts=tuple(mixture),
                weights=tuple(mixture.values()),
                mix=mix,
                negative_prompt=negative_prompt,
                drift=drift,
                syntax=syntax,
            ),
            noise=noise or noise_of(42),
            scheduler=SchedulerSpec(class_name=scheduler, config=config or {}),
            arguments={"num_inference_steps": 4, "guidance_scale": 5.0, **arguments},
            pictures=pictures or {},
            image_prompts=image_prompts,
        ),
    )


def picture_of(path: Path, **changes) -> InputPicture:
    return InputPicture(location=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest(), **changes)


def chunk_of(*frames: Frame, batch_size: int | None = None) -> Chunk:
    return Chunk(index=0, batch_size=batch_size or len(frames), frames=frames)
