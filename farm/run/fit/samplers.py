"""Whether this machine has what schedulers need, and whether the checkpoint's own is one for the pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from farm.manifest import Manifest
from farm.manifest.checks.scheduler_checks import such_as, why_unfit
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.model import Scheduler
from farm.manifest.pipelines import PIPELINES
from farm.manifest.schedulers import REFUSED, SCHEDULERS
from farm.records import DiffusersSpec
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings
from farm.run.fit.sampler_settings import setting_findings

NEEDED = {"LMSDiscreteScheduler": "scipy", "CosineDPMSolverMultistepScheduler": "torchsde"}
"""Packages that schedulers are made with, and that diffusers does without."""

_BETA_SIGMAS = "use_beta_sigmas"


def sampler_findings(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield every scheduler that this machine has no package for, and every setting that one does not take."""
    for field, scheduler in _written(manifest):
        yield from _lacking((*field, "class"), scheduler.class_, (*field, "config"), scheduler.config)
        yield from setting_findings(field, scheduler)
    field, own = _own(spec)
    yield from _lacking(field, own_sampler(spec), field, own)


def own_sampler_findings(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield the checkpoint's own scheduler where it is to be taken, and the pipeline cannot sample with it."""
    if any(_written(manifest)):
        return
    traits = PIPELINES[spec.pipeline]
    field, name = _own(spec)[0], own_sampler(spec)
    reason = REFUSED.get(name, "")
    if name in SCHEDULERS:
        reason = why_unfit(spec.pipeline, traits, name)
    if reason:
        yield Finding(
            path=field,
            found=f"its own scheduler is {name}",
            allowed=f"needed: a model.scheduler that {spec.pipeline} takes, such as {such_as(traits)}",
            hint=reason,
        )


def own_sampler(spec: DiffusersSpec) -> str:
    """Return the class of the checkpoint's own scheduler; empty where that is not on this machine yet."""
    return str(own_settings(spec).get("_class_name", ""))


def own_settings(spec: DiffusersSpec) -> Mapping[str, object]:
    """Return the configuration of the checkpoint's own scheduler; empty where that is not on this machine yet."""
    return _own(spec)[1]


def _own(spec: DiffusersSpec) -> tuple[FieldPath, Mapping[str, object]]:
    """Return where the manifest names the checkpoint's own scheduler, and its settings as far as they are here."""
    place = contents_of(spec.config or spec.source)
    settings = read_settings(place / "scheduler" / "scheduler_config.json") if place else None
    field = ("model", "config", "pretrained") if spec.config else ("model", "pretrained")
    return field, settings or {}


def _written(manifest: Manifest) -> Iterator[tuple[FieldPath, Scheduler]]:
    if manifest.model.scheduler is not None:
        yield ("model", "scheduler"), manifest.model.scheduler
    swept = getattr(manifest.animation, "over", {}).get("scheduler", ())
    yield from ((("animation", "over", "scheduler", number), each) for number, each in enumerate(swept))


def _lacking(
    field: FieldPath, name: str, settings: FieldPath, config: Mapping[str, object]
) -> Iterator[Finding]:
    package = NEEDED.get(name)
    if package is not None and find_spec(package) is None:
        yield _without(field, f"{name} needs {package}", package)
    elif config.get(_BETA_SIGMAS) is True and find_spec("scipy") is None:
        place = settings if settings == field else (*settings, _BETA_SIGMAS)
        yield _without(place, f"{name} with {_BETA_SIGMAS} needs scipy", "scipy")


def _without(field: FieldPath, found: str, package: str) -> Finding:
    return Finding(
        path=field,
        found=f"{found}, which this machine does not have",
        allowed=f"needed: pip install {package}, here and wherever frames are rendered; or another scheduler",
    )
