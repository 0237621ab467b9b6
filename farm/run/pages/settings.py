"""What a job was rendered with, as a list of names and values for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from farm.manifest import Manifest, parse
from farm.manifest.model import Model
from farm.manifest.sources import SOURCE_LISTS
from farm.plan import Plan
from farm.plan.series import Sweep
from farm.records import Scalar, SchedulerSpec

_NAMES = {"controlnets": "ControlNet", "ip_adapters": "IP-Adapter", "loras": "LoRA"}


def settings_of(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the names and values of what determines a job's frames; of what a sweep varies, all of its values."""
    manifest = parse(plan.manifest_text, Path("manifest.yaml")).manifest
    swept = _swept(plan)
    yield "frames", f"{plan.frame_count}, {plan.batch_size} in a model call"
    yield _seed(plan, manifest)
    for name, text in _model(manifest.model):
        if name not in swept:
            yield name, text
    for name, value in sorted({**plan.arguments, **swept}.items()):
        if value is not None:
            yield name, str(value)
    for name, curve in sorted(plan.curves.items()):
        if name not in swept:
            yield name, f"{curve.values[0]:g} to {curve.values[-1]:g}, in {len(curve.keyframes)} keyframes"


def _swept(plan: Plan) -> dict[str, str]:
    if not isinstance(plan.motion, Sweep):
        return {}
    return {name: ", ".join(map(_text, values)) for name, values in plan.motion.axes}


def _seed(plan: Plan, manifest: Manifest) -> tuple[str, str]:
    """Return the seeds that a manifest lists; or else its own, and whether frames have others derived from it."""
    kind = manifest.animation
    listed = getattr(kind, "seeds", None) or getattr(kind.noise, "seeds", None)
    if listed:
        return "seeds", ", ".join(map(str, listed))
    own = plan.frame_count == 0 or manifest.seed in plan.motion.at(0).noise.seeds
    return "seed", f"{manifest.seed}" if own else f"{manifest.seed}, from which those of frames are derived"


def _model(model: Model) -> Iterator[tuple[str, str]]:
    yield "pipeline", model.pipeline
    yield "checkpoint", _named(model.pretrained, model.revision)
    if model.refiner is not None:
        yield "refiner", _named(model.refiner.pretrained, model.refiner.revision)
    for field in SOURCE_LISTS:
        for part in getattr(model, field):
            name = _NAMES.get(field, field.removesuffix("s").replace("_", " "))
            yield name, _named(part.pretrained, part.revision)
    if model.scheduler is not None:
        yield "scheduler", _scheduler(model.scheduler.class_, model.scheduler.config)
    yield "torch_dtype", model.torch_dtype


def _text(value: Scalar | SchedulerSpec) -> str:
    return _scheduler(value.class_name, value.config) if isinstance(value, SchedulerSpec) else str(value)


def _scheduler(name: str, config: Mapping[str, object]) -> str:
    settings = ", ".join(f"{key}={value}" for key, value in sorted(config.items()))
    return f"{name} ({settings})" if settings else name


def _named(pretrained: str, revision: str | None) -> str:
    return f"{pretrained} at {revision}" if revision else pretrained
