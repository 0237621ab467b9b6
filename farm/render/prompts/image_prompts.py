"""Mixes image prompts where the pipeline computes the embeddings of its IP-Adapters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

from farm.records import ImagePrompt, InputPicture
from farm.render.lru import ResultCache
from farm.render.noise import weighted_sum
from farm.render.prompts.mixing import equal

FramePrompts = tuple[ImagePrompt, ...]
"""A frame's image prompts, one per IP-Adapter."""

_CACHED = 16
"""Image prompts on the device, of up to a megabyte each."""


class ImagePromptMixer:
    """Replaces a pipeline's `prepare_ip_adapter_image_embeds`, and takes a list of `FramePrompts`.

    Each image is encoded once by the original method, and each frame gets its own mixture; in a plain call of diffusers
    all frames have the same embeddings.
    """

    def __init__(self, pipeline: Any, read: Callable[[InputPicture], Any]) -> None:
        self._prepare = pipeline.prepare_ip_adapter_image_embeds
        self._signature = inspect.signature(self._prepare)
        self._read = read
        self._cache = ResultCache(_CACHED)
        pipeline.prepare_ip_adapter_image_embeds = self

    def __call__(self, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        """Return [B, n, ...] for each adapter, or with guidance [2 B, n, ...], the negative embeddings first."""
        arguments = self._signature.bind(*args, **kwargs).arguments
        frames: Sequence[FramePrompts] = arguments["ip_adapter_image"]
        is_guided = bool(arguments["do_classifier_free_guidance"])
        rows = [self._mix(prompts, arguments["device"], is_guided) for prompts in frames]
        adapters = zip(*rows, strict=True)
        if not is_guided:
            return [torch.cat(list(adapter)) for adapter in adapters]
        return [
            torch.cat(
                [half for side in zip(*(row.chunk(2) for row in adapter), strict=True) for half in side]
            )
            for adapter in adapters
        ]

    def _mix(self, prompts: FramePrompts, device: Any, is_guided: bool) -> list[torch.Tensor]:
        """Return a frame's embeddings, [1, n, ...] or [2, n, ...] for each adapter."""
        columns = [
            self._encode(tuple(_part(prompt, number) for prompt in prompts), device, is_guided)
            for number in range(max(len(prompt.prompts) for prompt in prompts))
        ]
        embeddings = []
        for adapter, prompt in enumerate(prompts):
            parts = [column[adapter] for column in columns[: len(prompt.prompts)]]
            are_equal = all(equal(parts[0], part) for part in parts[1:])
            embeddings.append(parts[0] if are_equal else weighted_sum(parts, prompt.weights))
        return embeddings

    def _encode(
        self, pictures: tuple[tuple[InputPicture, ...], ...], device: Any, is_guided: bool
    ) -> list[torch.Tensor]:
        def encode() -> list[torch.Tensor]:
            images = [[self._read(picture) for picture in together] for together in pictures]
            embeddings: list[torch.Tensor] = self._prepare(images, None, device, 1, is_guided)
            return embeddings

        return self._cache.get((pictures, str(device), is_guided), encode)


def _part(prompt: ImagePrompt, number: int) -> tuple[InputPicture, ...]:
    return prompt.prompts[number] if number < len(prompt.prompts) else prompt.prompts[0]
