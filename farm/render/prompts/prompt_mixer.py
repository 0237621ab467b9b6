"""Prompts are mixed where the pipeline encodes them."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import Any

from farm.render.prompts.mixing import mixed
from farm.render.prompts.mixture import mixtures_in
from farm.render.prompts.prompt_columns import AtHand, PlainColumns, WeightedColumns


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
