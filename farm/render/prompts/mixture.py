"""A prompt that is a mixture of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.records import Conditioning


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
