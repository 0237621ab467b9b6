"""From prompts to the tensors that a pipeline is conditioned on: each prompt encoded once, then mixed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

import torch

from farm.records import Conditioning, Drift
from farm.render.noise import normal, slerp, sum_of

Embeddings = Mapping[str, torch.Tensor]
"""Named conditioning tensors of one prompt, each of shape [1, ...], by the names of the pipeline's call."""


class PromptEncoder:
    """Mixes conditionings out of encoded prompts, of which it keeps the `capacity` last used."""

    def __init__(self, encode: Callable[[str, int | None], Embeddings], capacity: int = 256) -> None:
        self._encode = encode
        self._capacity = capacity
        self._known: OrderedDict[tuple[str, int | None], Embeddings] = OrderedDict()

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._known.clear()

    def encoded(self, prompt: str, clip_skip: int | None) -> Embeddings:
        """Return e(prompt)."""
        key = (prompt, clip_skip)
        if key not in self._known:
            self._known[key] = self._encode(prompt, clip_skip)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def mixed(self, conditioning: Conditioning, clip_skip: int | None) -> Embeddings:
        """Return the frame's conditioning: e(p) itself for a single prompt, else the mixture, then the drift."""
        parts = [self.encoded(prompt, clip_skip) for prompt in conditioning.prompts]
        return {name: self._mix([part[name] for part in parts], conditioning) for name in parts[0]}

    def _mix(self, parts: list[torch.Tensor], conditioning: Conditioning) -> torch.Tensor:
        if conditioning.mix == "slerp" and len(parts) == 2:
            mixed = slerp(parts[0], parts[1], conditioning.weights[1])
        else:
            mixed = sum_of(parts, conditioning.weights)
        return drifted(mixed, conditioning.drift) if conditioning.drift else mixed


def drifted(embedding: torch.Tensor, drift: Drift) -> torch.Tensor:
    """Return the embedding moved by `drift.distance` along its direction."""
    if drift.direction == "ones":
        return embedding + drift.distance
    direction, _ = normal(drift.seed, embedding.shape)
    direction = direction / direction.square().mean().sqrt()
    return embedding + drift.distance * direction.to(embedding)
