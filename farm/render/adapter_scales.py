"""How strongly LoRAs and IP-Adapters act, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.records import DiffusersSpec, Scalar
from farm.render.checkpoints.adapters import lora_names
from farm.render.prompts.prompt_columns import AtHand


class AdapterScales:
    """Sets how strongly LoRAs and IP-Adapters act, from a frame's `lora_scale.<k>` and `ip_adapter_scale.<k>`.

    Text encoders, into which LoRAs reach, are there within `at_hand`.
    """

    def __init__(self, pipeline: Any, spec: DiffusersSpec, at_hand: AtHand) -> None:
        self._pipeline = pipeline
        self._at_hand = at_hand
        self._loras = lora_names(spec.loras)
        self._image_adapters = len(spec.ip_adapters)
        self._set: tuple[Scalar, ...] = ()

    def set(self, arguments: Mapping[str, Scalar]) -> bool:
        """Set the scales of a frame; tell whether LoRAs, which reach into text encoders, act otherwise than before."""
        if self._image_adapters:
            scales = [arguments[f"ip_adapter_scale.{number}"] for number in range(self._image_adapters)]
            self._pipeline.set_ip_adapter_scale(scales)
        wanted = tuple(arguments[f"lora_scale.{number}"] for number in range(len(self._loras)))
        if wanted == self._set:
            return False
        self._set = ()  # nobody knows which are set, should this fail
        with self._at_hand():
            self._pipeline.set_adapters(self._loras, adapter_weights=list(wanted))
        self._set = wanted
        return True
