"""The arguments of the pipeline call: those that stay, and those that move from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest import Manifest
from farm.manifest.pipelines import call_arguments
from farm.manifest.render import PER_NET, PICTURES
from farm.plan.curves import Curve
from farm.records import Scalar

_NOT_OF_CALL = {*PICTURES, "negative_prompt"}
"""These are pictures, or part of the conditioning."""


def arguments_of(manifest: Manifest) -> tuple[dict[str, Scalar], dict[str, Curve]]:
    """Return the arguments that every frame shares, and the curves of those that move.

    Only what the pipeline takes and what is not null; of lists and pairs the parts, `name.0`, `name.1` and so on.
    """
    still: dict[str, Scalar] = {}
    moving: dict[str, Curve] = {}
    for name, value in (*_of_call(manifest), *_of_adapters(manifest)):
        if not isinstance(value, Mapping):
            still[name] = value
        elif (curve := Curve.of(value)).constant:
            still[name] = curve.at(0)
        else:
            moving[name] = curve
    return still, moving


def _of_call(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model, render = manifest.model, manifest.render
    for name in call_arguments(model.pipeline, has_refiner=model.refiner is not None):
        value = None if name in _NOT_OF_CALL else getattr(render, name)
        if value is None:
            continue
        if name in PER_NET and not isinstance(value, tuple):
            value = (value,) * len(model.controlnets)
        if isinstance(value, tuple):
            yield from ((f"{name}.{number}", part) for number, part in enumerate(value))
        else:
            yield name, value


def _of_adapters(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model = manifest.model
    yield from ((f"lora_scale.{number}", lora.scale) for number, lora in enumerate(model.loras))
    yield from (
        (f"ip_adapter_scale.{number}", adapter.scale) for number, adapter in enumerate(model.ip_adapters)
    )
