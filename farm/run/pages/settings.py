"""What a job was rendered with, as a list of names and values for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from farm.manifest import parse
from farm.manifest.model import Model
from farm.manifest.sources import LISTS
from farm.plan import Plan

_NAMES = {"controlnets": "ControlNet", "ip_adapters": "IP-Adapter", "loras": "LoRA"}


def settings_of(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the names and values of what determines a job's frames."""
    manifest = parse(plan.manifest_text, Path("manifest.yaml")).manifest
    yield "frames", f"{plan.frame_count}, {plan.batch_size} in a model call"
    yield "seed", str(manifest.seed)
    yield from _model(manifest.model)
    for name, value in sorted(plan.arguments.items()):
        if value is not None:
            yield name, str(value)
    for name, curve in sorted(plan.curves.items()):
        yield name, f"{curve.values[0]:g} to {curve.values[-1]:g}, in {len(curve.keyframes)} keyframes"


def _model(model: Model) -> Iterator[tuple[str, str]]:
    yield "pipeline", model.pipeline
    yield "checkpoint", _named(model.pretrained, model.revision)
    if model.refiner is not None:
        yield "refiner", _named(model.refiner.pretrained, model.refiner.revision)
    for field in LISTS:
        for part in getattr(model, field):
            name = _NAMES.get(field, field.removesuffix("s").replace("_", " "))
            yield name, _named(part.pretrained, part.revision)
    if model.scheduler is not None:
        settings = ", ".join(f"{name}={value}" for name, value in sorted(model.scheduler.config.items()))
        yield "scheduler", f"{model.scheduler.class_} ({settings})" if settings else model.scheduler.class_
    yield "torch_dtype", model.torch_dtype


def _named(pretrained: str, revision: str | None) -> str:
    return f"{pretrained} at {revision}" if revision else pretrained
