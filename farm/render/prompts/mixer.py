"""Mixes prompts where the pipeline encodes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import methodcaller
from typing import Any

import torch

from farm.records import Conditioning
from farm.render.lru import ResultCache, call_key
from farm.render.prompts.mixing import equal, mix
from farm.render.prompts.weighted_prompts import WeightedPrompts


class PromptMixture(str):
    """A frame's prompts: the text of the first one, for a pipeline's checks, with the others attached for the mixer."""

    conditioning: Conditioning

    def __new__(cls, conditioning: Conditioning) -> PromptMixture:
        """Return the mixture of a frame's conditioning."""
        prompt = super().__new__(cls, conditioning.prompts[0])
        prompt.conditioning = conditioning
        return prompt

    def part(self, number: int) -> str:
        """Return the prompt of this number, or the first one if there are fewer."""
        prompts = self.conditioning.prompts
        return prompts[number] if number < len(prompts) else prompts[0]


EncodersLoaded = Callable[[], AbstractContextManager[None]]
"""The context in which text encoders are used, which may be released at other times."""

_Arguments = Mapping[str, Any]
_CACHED = 8
"""Columns on the device, of up to 30 MB with T5; a grid needs four, a chunk across a keyframe two more."""


class PromptMixer:
    """Replaces a pipeline's `encode_prompt`, and mixes its results for the prompts of each mixture.

    The pipeline itself thus decides how prompts are encoded, in which batch and with which negative prompt: a single
    prompt gives the same bits as in a plain call, and so do the ends of an interpolation. Encodings of the last prompts
    are cached; text encoders are used within `encoders_loaded`.
    """

    def __init__(self, pipeline: Any, encoders_loaded: EncodersLoaded = nullcontext) -> None:
        self._encode = pipeline.encode_prompt
        self._signature = inspect.signature(self._encode)
        self._plain = PlainEncoder(self._encode, self._signature, encoders_loaded)
        self._weighted = WeightedEncoder(pipeline, encoders_loaded)
        self._encoders_loaded = encoders_loaded
        pipeline.encode_prompt = self

    def clear_cache(self) -> None:
        """Drop all encodings."""
        self._plain.clear_cache()
        self._weighted.clear_cache()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the pipeline's own `encode_prompt` returns; for mixtures, mixed."""
        arguments = self._signature.bind(*args, **kwargs).arguments
        frames = _find_mixtures(arguments)
        if not frames:
            with self._encoders_loaded():
                return self._encode(*args, **kwargs)
        conditionings = [frame.conditioning for frame in frames]
        encoder = self._weighted if conditionings[0].syntax == "compel" else self._plain
        count = max(len(conditioning.prompts) for conditioning in conditionings)
        columns = encoder.columns(arguments, frames, count)
        if any(conditioning.drift for conditioning in conditionings):
            return mix(columns, conditionings, encoder.drifts(arguments, columns[0]))
        return mix(columns, conditionings) if count > 1 else _copied(columns[0])


class PlainEncoder:
    """Encodes prompts with the pipeline's own `encode_prompt`, one column per call."""

    def __init__(
        self, encode: Callable[..., Any], signature: inspect.Signature, encoders_loaded: EncodersLoaded
    ) -> None:
        self._encode, self._signature, self._encoders_loaded = encode, signature, encoders_loaded
        self._cache = ResultCache(_CACHED)

    def clear_cache(self) -> None:
        """Drop all encodings."""
        self._cache.clear()

    def columns(self, arguments: _Arguments, frames: Sequence[PromptMixture], count: int) -> list[Any]:
        """Return `count` columns: column k is what `encode_prompt` returns for each frame's k-th prompt."""
        return [self._encode_column(arguments, methodcaller("part", number)) for number in range(count)]

    def drifts(self, arguments: _Arguments, column: Any) -> Any:
        """Return which elements of a column belong to prompts, not to negative prompts: other prompts change them."""
        others = self._encode_column(arguments, lambda text: f"something other than {text}")
        if isinstance(column, tuple):
            return tuple(not equal(one, other) for one, other in zip(column, others, strict=True))
        return not equal(column, others)

    def _encode_column(self, arguments: _Arguments, text_of: Callable[[PromptMixture], str]) -> Any:
        plain = {
            name: list(map(text_of, value)) if _are_mixtures(value) else value
            for name, value in arguments.items()
        }

        def encode() -> Any:
            bound = inspect.BoundArguments(self._signature, plain)
            with self._encoders_loaded():
                return self._encode(*bound.args, **bound.kwargs)

        return self._cache.get(call_key(plain), encode)


class WeightedEncoder:
    """Encodes weighted prompts with compel: all columns in one call, since they are padded to the longest prompt."""

    def __init__(self, pipeline: Any, encoders_loaded: EncodersLoaded) -> None:
        self._pipeline, self._encoders_loaded = pipeline, encoders_loaded
        self._cache = ResultCache(_CACHED)

    def clear_cache(self) -> None:
        """Drop all encodings."""
        self._cache.clear()

    def columns(self, arguments: _Arguments, frames: Sequence[PromptMixture], count: int) -> list[Any]:
        """Return `count` columns, in the structure of Stable Diffusion's and SDXL's `encode_prompt`."""
        prompts = [frame.part(number) for number in range(count) for frame in frames]
        negative, skip = arguments.get("negative_prompt"), arguments.get("clip_skip")

        def encode() -> Mapping[str, torch.Tensor]:
            texts = list(negative) if negative is not None else [""] * len(frames)
            with self._encoders_loaded():
                encoded = WeightedPrompts(self._pipeline).encode(prompts, texts, skip)
            return encoded if negative is not None else self._without_negative(encoded)

        tensors = self._cache.get(
            call_key({"prompts": prompts, "negative": negative, "clip_skip": skip}), encode
        )
        size = len(frames)
        return [
            tuple(
                tensors[name] if name.startswith("negative") else tensors[name][start : start + size]
                for name in _output_names(tensors)
            )
            for start in range(0, count * size, size)
        ]

    def drifts(self, arguments: _Arguments, column: Any) -> Any:
        """Return which elements of a column belong to prompts: negative prompts have every other one."""
        return tuple(number % 2 == 0 for number in range(len(column)))

    def _without_negative(self, encoded: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """Replace negative embeddings by zeros for models, such as SDXL's base, that were trained so."""
        if not getattr(self._pipeline.config, "force_zeros_for_empty_prompt", False):
            return encoded
        return {
            name: torch.zeros_like(tensor) if name.startswith("negative") else tensor
            for name, tensor in encoded.items()
        }


def _are_mixtures(value: Any) -> bool:
    """Return whether an argument is the list of prompts of a chunk's frames."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], PromptMixture)


def _find_mixtures(arguments: _Arguments) -> list[PromptMixture]:
    """Return the prompts of the frames among a call's arguments; none if it encodes other texts."""
    return next((value for value in arguments.values() if _are_mixtures(value)), [])


def _output_names(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the names of the results of `encode_prompt`, in its order."""
    kinds = [name for name in ("prompt_embeds", "pooled_prompt_embeds") if name in tensors]
    return [side + name for name in kinds for side in ("", "negative_")]


def _copied(encoded: Any) -> Any:
    """Copy lists of tensors, since pipelines extend them in place."""
    if isinstance(encoded, tuple):
        return tuple(map(_copied, encoded))
    return list(encoded) if isinstance(encoded, list) else encoded
