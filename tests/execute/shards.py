"""Shards of plain frames, and renderers that fail in known ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from farm.canonical import digest
from farm.errors import ModelError, RenderError
from farm.events import ChunkDone, Event, FramesFailed
from farm.records import Chunk, Conditioning, Frame, Noise, ProceduralSpec, Recipe, SchedulerSpec, Shard
from farm.render import open_renderer
from farm.render.procedural import ProceduralRenderer


def frame(index: int) -> Frame:
    recipe = Recipe(
        conditioning=Conditioning(
            prompts=("a dog", "a fruit"),
            weights=(0.5 - index / 1000, 0.5 + index / 1000),
            mix="lerp",
            negative_prompt="",
        ),
        noise=Noise(mode="fixed", mix="sum", seeds=(7,), weights=(1.0,), stream=7),
        scheduler=SchedulerSpec(class_name="", config={}),
        arguments={"num_inference_steps": 4},
    )
    return Frame(index=index, alpha=index / 1000, recipe=recipe, digest=digest(recipe))


def chunk(index: int, batch_size: int = 2) -> Chunk:
    first = index * batch_size
    return Chunk(
        index=index, batch_size=batch_size, frames=tuple(frame(first + slot) for slot in range(batch_size))
    )


def shards(
    folder: object,
    *,
    chunks: int = 20,
    per_shard: int = 4,
    job: str = "job",
    seconds: float = 0.0,
    size: int = 16,
) -> Iterator[Shard]:
    """Return shards of `per_shard` chunks of two frames."""
    spec = ProceduralSpec(height=size, width=size, seconds_per_chunk=seconds)
    for first in range(0, chunks, per_shard):
        cut = tuple(chunk(index) for index in range(first, min(first + per_shard, chunks)))
        yield Shard(job=job, folder=str(folder), renderer=spec, renderer_digest="", chunks=cut)


def done_frames(events: Sequence[Event]) -> list[int]:
    return sorted(row.frame for event in events if isinstance(event, ChunkDone) for row in event.rows)


def failures(events: Sequence[Event]) -> list[FramesFailed]:
    return [event for event in events if isinstance(event, FramesFailed)]


class FailsOn:
    """Opens renderers that raise on one frame."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, spec):
        renderer = ProceduralRenderer(spec)
        draw = renderer.render

        def render(chunk):
            if self.index in [frame.index for frame in chunk.frames]:
                raise RenderError(f"frame {self.index} is black")
            return draw(chunk)

        renderer.render = render
        return renderer


def missing_model(spec):
    """Open no renderer: the checkpoint is missing."""
    if spec.height == 16:
        raise ModelError("no/such-model: not found")
    return open_renderer(spec)
