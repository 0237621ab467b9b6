"""Prompts are mixed where the pipeline encodes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import methodcaller
from typing import Any

import torch

from farm.records import Conditioning
from farm.render.lru import Remembered, key_of
from farm.render.prompts.mixing import mixed, same
from farm.render.prompts.weighted_prompts import WeightedPrompts


class Mixture(str):
    """One frame's prompt: for whoever checks it the text of its first part, for the encoder all of them."""

    conditioning: Conditioning

    def __new__(cls, conditioning: Conditioning) -> Mixture:
        """Make the prompt of a frame's conditioning."""
        prompt = super().__new__(cls, conditioning.prompts[0])
        prompt.conditioning = conditioning
        return prompt

    def part(self, number: int) -> str:
        """Return the text of a part, the first again where there are not so many."""
        prompts = self.conditioning.prompts
        return prompts[number] if number < len(prompts) else prompts[0]


def are_mixtures(value: Any) -> bool:
    """Tell whether a call's argument is the prompts of a chunk's frames."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mixture)


def mixtures_in(arguments: Mapping[str, Any]) -> list[Mixture]:
    """Return the prompts of the frames among a call's arguments; none where it is about other texts."""
    return next((value for value in arguments.values() if are_mixtures(value)), [])


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


class PromptMixer:
    """Takes the place of a pipeline's `encode_prompt`, and mixes what that returns for the parts of mixtures.

    So the pipeline itself says how its prompts are encoded, in which batch, beside which negative prompt, and what
    the tensors are: a single prompt gives what it gives in a plain call, bit for bit, and so do the ends of an
    interpolation. Encodings of the last prompts are kept; text encoders work within `at_hand`.
    """

    def __init__(self, pipeline: Any, at_hand: AtHand = nullcontext) -> None:
        self._encode = pipeline.encode_prompt
        self._signature = inspect.signature(self._encode)
        self._plain = PlainColumns(self._encode, self._signature, at_hand)
        self._weighted = WeightedColumns(pipeline, at_hand)
        self._at_hand = at_hand
        pipeline.encode_prompt = self

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._plain.forget()
        self._weighted.forget()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the pipeline's own `encode_prompt` returns; for mixtures, in their place, mixed."""
        arguments = self._signature.bind(*args, **kwargs).arguments
        frames = mixtures_in(arguments)
        if not frames:
            with self._at_hand():
                return self._encode(*args, **kwargs)
        conditionings = [frame.conditioning for frame in frames]
        source = self._weighted if conditionings[0].syntax == "compel" else self._plain
        count = max(len(conditioning.prompts) for conditioning in conditionings)
        columns = source.of(arguments, frames, count)
        if any(conditioning.drift for conditioning in conditionings):
            return mixed(columns, conditionings, source.moves(arguments, columns[0]))
        return mixed(columns, conditionings) if count > 1 else _copied(columns[0])


def _copied(encoded: Any) -> Any:
    """Return lists of tensors anew, since pipelines lengthen theirs."""
    if isinstance(encoded, tuple):
        return tuple(map(_copied, encoded))
    return list(encoded) if isinstance(encoded, list) else encoded
