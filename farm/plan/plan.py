"""A plan: the frames that a job will render, computed on demand. Its size does not depend on their number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from farm.canonical import digest
from farm.plan.curves import KeyframeCurve
from farm.plan.motions import Motion
from farm.plan.pictures import ImagePromptTrack, PictureTrack
from farm.records import Chunk, Frame, OutputSpec, Recipe, RendererSpec, Scalar, SchedulerSpec, Shard

SEMANTICS = 2
"""Part of every recipe digest; increased when the same recipe yields different pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A resolved job.

    `curves` are the arguments that change between frames, `syntax` is the syntax of prompts; with `pads_to_longest`,
    the prompts of a chunk are padded to the longest of them. `renderer_digest` covers the settings of the renderer that
    determine pixels. Chunks depend only on the frame index, so a frame's slot is always `frame % batch_size`.
    """

    name: str
    description: str = ""
    kind: str
    frame_count: int
    batch_size: int
    renderer: RendererSpec
    renderer_digest: str
    motion: Motion
    syntax: Literal["plain", "compel"] = "plain"
    pads_to_longest: bool = False
    scheduler: SchedulerSpec
    arguments: Mapping[str, Scalar]
    curves: Mapping[str, KeyframeCurve]
    pictures: Mapping[str, PictureTrack] = field(default_factory=dict)
    image_prompts: tuple[ImagePromptTrack, ...] = ()
    outputs: OutputSpec
    manifest_text: str

    @property
    def chunk_count(self) -> int:
        """The number of model calls."""
        return -(-self.frame_count // self.batch_size)

    def frame(self, index: int) -> Frame:
        """Return one frame with its recipe and recipe digest."""
        point = self.motion.at(index)
        keyed = {name: curve.at(index) for name, curve in self.curves.items()}
        recipe = Recipe(
            conditioning=dataclasses.replace(
                point.conditioning, syntax=self.syntax, beside=self._chunk_prompts(index)
            ),
            noise=point.noise,
            scheduler=point.scheduler or self.scheduler,
            arguments={**self.arguments, **keyed, **point.arguments},
            pictures={name: track.at(index) for name, track in self.pictures.items()},
            image_prompts=tuple(track.at(index) for track in self.image_prompts),
        )
        return Frame(index=index, alpha=point.alpha, recipe=recipe, digest=self._digest(index, recipe))

    def _chunk_prompts(self, index: int) -> tuple[tuple[str, ...], ...]:
        if not self.pads_to_longest or self.batch_size == 1:
            return ()
        chunk = self.chunk_frames(index // self.batch_size)
        return tuple(self.motion.at(frame).conditioning.prompts for frame in chunk)

    def frames(self) -> Iterator[Frame]:
        """Yield every frame in order."""
        return map(self.frame, range(self.frame_count))

    def chunk_frames(self, index: int) -> range:
        """Return the frames of chunk `index`, which starts at index * batch_size; the last one may have fewer."""
        start = index * self.batch_size
        return range(start, min(start + self.batch_size, self.frame_count))

    def chunk(self, index: int) -> Chunk:
        """Return chunk `index`."""
        frames = tuple(map(self.frame, self.chunk_frames(index)))
        return Chunk(index=index, batch_size=self.batch_size, frames=frames)

    def shards(self, chunks: Iterable[int], *, chunks_per_shard: int, folder: str) -> Iterator[Shard]:
        """Yield shards of these chunks, created one by one on demand."""
        pending: list[Chunk] = []
        for index in chunks:
            pending.append(self.chunk(index))
            if len(pending) == chunks_per_shard:
                yield self._shard(pending, folder)
                pending = []
        if pending:
            yield self._shard(pending, folder)

    def _shard(self, chunks: list[Chunk], folder: str) -> Shard:
        return Shard(
            job=self.name,
            folder=folder,
            renderer=self.renderer,
            renderer_digest=self.renderer_digest,
            chunks=tuple(chunks),
        )

    def _digest(self, index: int, recipe: Recipe) -> str:
        return digest(
            {
                "semantics": SEMANTICS,
                "renderer": self.renderer_digest,
                "batch_size": self.batch_size,
                "slot": index % self.batch_size,
                "recipe": recipe,
            }
        )
