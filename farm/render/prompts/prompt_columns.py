"""Encodings of the first prompts of all frames of a chunk, of their second prompts, and so on: what is then mixed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import methodcaller
from typing import Any

import torch

from farm.render.prompts.mixing import same
from farm.render.prompts.mixture import Mixture, are_mixtures
from farm.render.prompts.weighted_prompts import WeightedPrompts
from farm.render.remembered import Remembered, key_of

Arguments = Mapping[str, Any]
AtHand = Callable[[], AbstractContextManager[None]]
"""What stands around the work of text encoders, which may be away at other times."""

_CAPACITY = 8
"""Columns lie on the device, large ones of T5 with 30 MB; a grid needs four, a chunk across a keyframe two more."""


class PlainColumns:
    """As a pipeline's own `encode_prompt` encodes them, a column in one batch."""

    def __init__(self, encode: Callable[..., Any], signature: inspect.Signature, at_hand: AtHand) -> None:
        self._encode, self._signature, self._at_hand = encode, signature, at_hand
        self._known = Remembered(_CAPACITY)

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._known.clear()

    def of(self, arguments: Arguments, frames: Sequence[Mixture], count: int) -> list[Any]:
        """Return `count` columns, each of what `encode_prompt` returns."""
        return [self._encoded(arguments, methodcaller("part", number)) for number in range(count)]

    def moves(self, arguments: Arguments, column: Any) -> Any:
        """Tell which parts belong to the prompts, and not to the negative ones: those that other prompts change."""
        others = self._encoded(arguments, lambda text: f"something other than {text}")
        if isinstance(column, tuple):
            return tuple(not same(one, other) for one, other in zip(column, others, strict=True))
        return not same(column, others)

    def _encoded(self, arguments: Arguments, say: Callable[[Mixture], str]) -> Any:
        plain = {
            name: list(map(say, value)) if are_mixtures(value) else value for name, value in arguments.items()
        }

        def encode() -> Any:
            bound = inspect.BoundArguments(self._signature, plain)
            with self._at_hand():
                return self._encode(*bound.args, **bound.kwargs)

        return self._known.get(key_of(plain), encode)


class WeightedColumns:
    """As compel encodes weighted prompts: all together, since they are padded to the longest."""

    def __init__(self, pipeline: Any, at_hand: AtHand) -> None:
        self._pipeline, self._at_hand = pipeline, at_hand
        self._known = Remembered(_CAPACITY)

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._known.clear()

    def of(self, arguments: Arguments, frames: Sequence[Mixture], count: int) -> list[Any]:
        """Return `count` columns, each of what `encode_prompt` of Stable Diffusion or SDXL returns."""
        prompts = [frame.part(number) for number in range(count) for frame in frames]
        given, skip = arguments.get("negative_prompt"), arguments.get("clip_skip")

        def encode() -> Mapping[str, torch.Tensor]:
            negative = list(given) if given is not None else [""] * len(frames)
            with self._at_hand():
                encoded = WeightedPrompts(self._pipeline).encode(prompts, negative, skip)
            return encoded if given is not None else self._without_negative(encoded)

        tensors = self._known.get(key_of({"prompts": prompts, "negative": given, "clip_skip": skip}), encode)
        size = len(frames)
        return [
            tuple(
                tensors[name] if name.startswith("negative") else tensors[name][start : start + size]
                for name in _returned(tensors)
            )
            for start in range(0, count * size, size)
        ]

    def moves(self, arguments: Arguments, column: Any) -> Any:
        """Tell which parts belong to the prompts: every other one is of the negative ones."""
        return tuple(number % 2 == 0 for number in range(len(column)))

    def _without_negative(self, encoded: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """SDXL's base was trained with zeros where no negative prompt is given."""
        if not getattr(self._pipeline.config, "force_zeros_for_empty_prompt", False):
            return encoded
        return {
            name: torch.zeros_like(tensor) if name.startswith("negative") else tensor
            for name, tensor in encoded.items()
        }


def _returned(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """Name what `encode_prompt` returns, in its order."""
    kinds = [name for name in ("prompt_embeds", "pooled_prompt_embeds") if name in tensors]
    return [side + name for name in kinds for side in ("", "negative_")]
