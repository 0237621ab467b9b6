"""Image prompts that are mixtures: mixed where the pipeline has its IP-Adapters' embeddings made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

from farm.records import ImagePrompt, InputPicture
from farm.render.lru import Remembered
from farm.render.noise import sum_of
from farm.render.prompts.mixing import same

FramePrompts = tuple[ImagePrompt, ...]
"""One frame's image prompts, one for each IP-Adapter."""


_CAPACITY = 16
"""Image prompts on the device, up to a megabyte each."""


class ImagePromptMixer:
    """Takes the place of a pipeline's `prepare_ip_adapter_image_embeds`, which is given a list of `FramePrompts`.

    Each picture is encoded once, by the pipeline's own way, and every frame gets the mixture of its own: diffusers'
    embeddings of one call are the same for all of its pictures.
    """

    def __init__(self, pipeline: Any, read: Callable[[InputPicture], Any]) -> None:
        self._prepare = pipeline.prepare_ip_adapter_image_embeds
        self._signature = inspect.signature(self._prepare)
        self._read = read
        self._known = Remembered(_CAPACITY)
        pipeline.prepare_ip_adapter_image_embeds = self

    def __call__(self, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        """Return for every adapter [B, n, ...], or with guidance [2 B, n, ...], the negative ones first."""
        asked = self._signature.bind(*args, **kwargs).arguments
        frames: Sequence[FramePrompts] = asked["ip_adapter_image"]
        is_guided = bool(asked["do_classifier_free_guidance"])
        rows = [self._mixed(prompts, asked["device"], is_guided) for prompts in frames]
        adapters = zip(*rows, strict=True)
        if not is_guided:
            return [torch.cat(list(adapter)) for adapter in adapters]
        return [
            torch.cat(
                [half for side in zip(*(row.chunk(2) for row in adapter), strict=True) for half in side]
            )
            for adapter in adapters
        ]

    def _mixed(self, prompts: FramePrompts, device: Any, is_guided: bool) -> list[torch.Tensor]:
        """Return one frame's embeddings: for every adapter [1, n, ...] or [2, n, ...]."""
        columns = [
            self._encoded(tuple(_part(prompt, number) for prompt in prompts), device, is_guided)
            for number in range(max(len(prompt.prompts) for prompt in prompts))
        ]
        embeddings = []
        for adapter, prompt in enumerate(prompts):
            parts = [column[adapter] for column in columns[: len(prompt.prompts)]]
            alike = all(same(parts[0], part) for part in parts[1:])
            embeddings.append(parts[0] if alike else sum_of(parts, prompt.weights))
        return embeddings

    def _encoded(
        self, pictures: tuple[tuple[InputPicture, ...], ...], device: Any, is_guided: bool
    ) -> list[torch.Tensor]:
        def encode() -> list[torch.Tensor]:
            seen = [[self._read(picture) for picture in together] for together in pictures]
            made: list[torch.Tensor] = self._prepare(seen, None, device, 1, is_guided)
            return made

        return self._known.get((pictures, str(device), is_guided), encode)


def _part(prompt: ImagePrompt, number: int) -> tuple[InputPicture, ...]:
    return prompt.prompts[number] if number < len(prompt.prompts) else prompt.prompts[0]
