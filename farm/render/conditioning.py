"""Prompts that are mixtures: a pipeline is called with them as with words, and they are mixed where it encodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from typing import Any

from farm.records import Conditioning
from farm.render.mixing import mixed, same
from farm.render.remembered import Remembered, key_of
from farm.render.weighted_prompts import WeightedPrompts


_RETURNED = (
    *("prompt_embeds", "negative_prompt_embeds"),
    *("pooled_prompt_embeds", "negative_pooled_prompt_embeds"),
)
"""What `encode_prompt` of Stable Diffusion and SDXL returns, in this order."""


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


class PromptMixer:
    """Takes the place of a pipeline's `encode_prompt`, and mixes what that returns for the parts of mixtures.

    So the pipeline itself says how its prompts are encoded, in which batch, beside which negative prompt, and what
    the tensors are: a single prompt gives what it gives in a plain call, bit for bit, and so do the ends of an
    interpolation. Encodings of the last prompts are kept.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._encode = pipeline.encode_prompt
        self._signature = inspect.signature(self._encode)
        self._known = Remembered(64)
        pipeline.encode_prompt = self

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._known.clear()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the pipeline's own `encode_prompt` returns; for mixtures, in their place, mixed."""
        bound = self._signature.bind(*args, **kwargs)
        frames = _frames(bound.arguments)
        if not frames:
            return self._encode(*args, **kwargs)
        conditionings = [frame.conditioning for frame in frames]
        count = max(len(conditioning.prompts) for conditioning in conditionings)
        if conditionings[0].syntax == "compel":
            columns = self._weighted(bound.arguments, frames, count)
        else:
            columns = [
                self._encoded(bound.arguments, methodcaller("part", number)) for number in range(count)
            ]
        if any(conditioning.drift for conditioning in conditionings):
            return mixed(columns, conditionings, self._moves(bound.arguments, columns[0]))
        return mixed(columns, conditionings) if count > 1 else _copied(columns[0])

    def _weighted(self, arguments: Mapping[str, Any], frames: Sequence[Mixture], count: int) -> list[Any]:
        """Encode weighted prompts, all together: they are padded to the longest."""
        texts = [frame.part(number) for number in range(count) for frame in frames]
        negatives = None
        if arguments.get("do_classifier_free_guidance", True):
            negatives = list(arguments.get("negative_prompt") or [""] * len(frames))
        skip = arguments.get("clip_skip")
        tensors = self._known.get(
            key_of({"weighted": texts, "negative": negatives, "clip_skip": skip}),
            lambda: WeightedPrompts(self._pipeline).encode(texts, negatives, skip),
        )
        size = len(frames)
        names = [name for name in _RETURNED if name in tensors or name == "negative_prompt_embeds"]
        return [
            tuple(
                tensors.get(name) if name.startswith("negative") else tensors[name][start : start + size]
                for name in names
            )
            for start in range(0, count * size, size)
        ]

    def _moves(self, arguments: Mapping[str, Any], encoded: Any) -> Any:
        """Tell which parts of an encoding belong to the prompt, and not to the negative one: those that it changes."""
        others = self._encoded(arguments, lambda text: f"something other than {text}")
        if isinstance(encoded, tuple):
            return tuple(not same(one, other) for one, other in zip(encoded, others, strict=True))
        return not same(encoded, others)

    def _encoded(self, arguments: Mapping[str, Any], say: Callable[[Mixture], str]) -> Any:
        """Encode one text of every frame, in one batch."""
        plain = {
            name: list(map(say, value)) if _mixtures(value) else value for name, value in arguments.items()
        }
        bound = inspect.BoundArguments(self._signature, plain)
        return self._known.get(key_of(plain), lambda: self._encode(*bound.args, **bound.kwargs))


def _frames(arguments: Mapping[str, Any]) -> list[Mixture]:
    return next((value for value in arguments.values() if _mixtures(value)), [])


def _mixtures(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mixture)


def _copied(encoded: Any) -> Any:
    """Return lists of tensors anew, since pipelines lengthen theirs."""
    if isinstance(encoded, tuple):
        return tuple(map(_copied, encoded))
    return list(encoded) if isinstance(encoded, list) else encoded
