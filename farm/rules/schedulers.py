"""Schedulers: compatibility with each pipeline, determined by calling all pairs in diffusers, and their settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inputs.resolved import ModelInputs
from farm.manifest.findings import Finding, describe_value, found_value, suggestion
from farm.manifest.location import FieldPath
from farm.manifest.model import Scheduler
from farm.manifest.pipelines import Traits
from farm.manifest.schedulers import DIFFUSION, FLOW, REFUSED, SCHEDULERS, SOLVERS
from farm.rules.context import Context, WrittenManifest
from farm.rules.pipeline import pipeline_findings

_EULER, _HEUN, _LCM = FLOW
_SCALED = (
    *(
        "CMStochasticIterativeScheduler",
        "CosineDPMSolverMultistepScheduler",
        "EDMDPMSolverMultistepScheduler",
    ),
    *(
        "EDMEulerScheduler",
        "EulerAncestralDiscreteScheduler",
        "EulerDiscreteScheduler",
        "HeunDiscreteScheduler",
    ),
    *("KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler", "LMSDiscreteScheduler"),
)
"""Schedulers whose initial latents and model inputs are not at the scale of plain noise."""

_WITHOUT_ADD_NOISE = ("DDIMInverseScheduler", "IPNDMScheduler")
_FLOW_CONFIG = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_SUCH_AS = {"diffusion": "DDIMScheduler", "flow": _EULER, "consistency": "LCMScheduler"}


def such_as(traits: Traits) -> str:
    """Return a scheduler that pipelines with these traits take."""
    return _SUCH_AS[traits.sampling]


def why_incompatible(pipeline: str, traits: Traits, name: str) -> str:
    """Return why a pipeline cannot sample with a scheduler; empty if it can."""
    if traits.sampling == "consistency":
        return "" if name == "LCMScheduler" else f"{pipeline} takes LCMScheduler only."
    if traits.sampling == "flow":
        return _why_no_flow(pipeline, traits, name)
    if name in FLOW:
        return f"It samples flow-matching models, such as Stable Diffusion 3 and Flux; {pipeline} has no such model."
    if traits.starts_from_image and name in _WITHOUT_ADD_NOISE:
        return f"It has no add_noise(), with which {pipeline} starts from a picture."
    if not traits.scales_latents and name in _SCALED:
        return f"{pipeline} does not scale latents, as it requires."
    if traits.own_scheduler in SOLVERS and name == "DDIMInverseScheduler":
        return "It does not support timestep_spacing linspace, which the checkpoint uses."
    return ""


def _why_no_flow(pipeline: str, traits: Traits, name: str) -> str:
    if name in traits.flow_schedulers:
        return ""
    if name == _LCM:
        return f"It draws noise while sampling, but {pipeline} passes it no generator."
    if name in (_HEUN, *SOLVERS):
        return f"{pipeline} passes sigmas, which its set_timesteps() does not accept."
    return f"It samples diffusion models; {pipeline} is a flow-matching pipeline."


def scheduler_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every scheduler and every scheduler setting with which the pipeline cannot sample."""
    for path, name, config in _written(written):
        reason = why_incompatible(written.pipeline, written.traits, name)
        if name in (*DIFFUSION, *FLOW) and reason:
            yield Finding(
                path=path,
                found=f"found {name!r}",
                allowed=f"allowed: a scheduler that {written.pipeline} takes, such as {such_as(written.traits)}",
                hint=reason,
            )
        elif name in (*DIFFUSION, *FLOW):
            yield from _settings(written, path, name, config)


def _written(written: WrittenManifest) -> Iterator[tuple[FieldPath, str, Mapping[Any, Any]]]:
    """Yield the path of every scheduler's name, the name, and the configuration."""
    fields: list[tuple[FieldPath, Any]] = [(("model", "scheduler"), written.model.get("scheduler"))]
    axis = written.over.get("scheduler")
    if isinstance(axis, list):
        fields += [(("animation", "over", "scheduler", number), value) for number, value in enumerate(axis)]
    for path, scheduler in fields:
        match scheduler:
            case str(name):
                yield path, name, {}
            case {"class": str(name)}:
                config = scheduler.get("config")
                yield (*path, "class"), name, config if isinstance(config, dict) else {}


def _settings(
    written: WrittenManifest, path: FieldPath, name: str, config: Mapping[Any, Any]
) -> Iterator[Finding]:
    is_flow, pipeline = written.traits.sampling == "flow", written.pipeline
    section = path[:-1] if path[-1] == "class" else path
    if not written.traits.passes_generators_to_scheduler:
        for setting, value in config.items():
            if (setting == "stochastic_sampling" and value is True) or str(value).startswith("sde-"):
                yield Finding(
                    path=(*section, "config", setting),
                    found=f"found {describe_value(value)}",
                    allowed=f"allowed: values that draw no noise, since {pipeline} passes schedulers no generator",
                )
    needed = needed_settings(written.traits, name)
    if any(config.get(setting) != value for setting, value in needed.items()):
        settings = ", ".join(
            f"{key}: {describe_value(value).strip(chr(39))}" for key, value in needed.items()
        )
        yield Finding(
            path=path,
            found=f"{name} without {settings}",
            allowed=f"needed: these settings in its config, since {_why_needed(pipeline, is_flow)}",
        )


def needed_settings(traits: Traits, name: str) -> Mapping[str, object]:
    """Return the settings that a scheduler needs in addition to the checkpoint's own."""
    if traits.sampling == "flow":
        return _FLOW_CONFIG if name in SOLVERS and traits.own_scheduler not in SOLVERS else {}
    if traits.own_scheduler in SOLVERS and name == "SASolverScheduler":
        return {"algorithm_type": "data_prediction"}
    return {}


def _why_needed(pipeline: str, is_flow: bool) -> str:
    return (
        f"{pipeline} is a flow-matching pipeline"
        if is_flow
        else "the checkpoint's own are for another solver"
    )


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "timestep_spacing": ("leading", "linspace", "trailing"),
    "prediction_type": ("epsilon", "flow_prediction", "sample", "v_prediction"),
}
"""The valid values of a setting in any scheduler."""


def setting_findings(context: Context) -> Iterator[Finding]:
    """Yield every setting that a scheduler does not have, and every value that no scheduler supports."""
    model = context.inputs.model
    if model is None:
        return
    for field, scheduler in _written_schedulers(context):
        takes = model.schedulers[scheduler.class_].settings
        for name, value in scheduler.config.items():
            choices = _CHOICES.get(name, ())
            if takes and name not in takes:
                yield Finding(
                    path=(*field, "config", name),
                    found=f"{scheduler.class_} takes no {name}{suggestion(name, takes)}",
                    allowed=f"allowed: {', '.join(sorted(takes))}",
                )
            elif choices and value not in choices:
                yield Finding(
                    path=(*field, "config", name),
                    found=found_value(value, choices),
                    allowed=f"allowed: {', '.join(choices)}",
                )


NEEDED = {"LMSDiscreteScheduler": "scipy", "CosineDPMSolverMultistepScheduler": "torchsde"}
"""Packages that schedulers need but diffusers does not install."""

_BETA_SIGMAS = "use_beta_sigmas"


def package_findings(context: Context) -> Iterator[Finding]:
    """Yield every scheduler that needs a package missing on this machine."""
    model = context.inputs.model
    if model is None:
        return
    for field, scheduler in _written_schedulers(context):
        settings = (*field, "config")
        yield from _missing_package(model, (*field, "class"), scheduler.class_, settings, scheduler.config)
    own, field = model.configured, _own_field(model)
    yield from _missing_package(model, field, own.scheduler_class, field, own.scheduler)


def own_scheduler_findings(context: Context) -> Iterator[Finding]:
    """Yield the checkpoint's own scheduler if it is used and the pipeline cannot sample with it."""
    model = context.inputs.model
    if model is None or any(_written_schedulers(context)) or any(pipeline_findings(context)):
        return
    pipeline, name = model.spec.pipeline, model.configured.scheduler_class
    reason = why_incompatible(pipeline, context.traits, name) if name in SCHEDULERS else REFUSED.get(name, "")
    if reason:
        yield Finding(
            path=_own_field(model),
            found=f"its own scheduler is {name}",
            allowed=f"needed: a model.scheduler that {pipeline} takes, such as {such_as(context.traits)}",
            hint=reason,
        )


def _own_field(model: ModelInputs) -> FieldPath:
    """Return the path of the checkpoint that contains the scheduler."""
    return ("model", "config", "pretrained") if model.config else ("model", "pretrained")


def _written_schedulers(context: Context) -> Iterator[tuple[FieldPath, Scheduler]]:
    if context.manifest.model.scheduler is not None:
        yield ("model", "scheduler"), context.manifest.model.scheduler
    swept = context.over.get("scheduler", ())
    yield from ((("animation", "over", "scheduler", number), each) for number, each in enumerate(swept))


def _missing_package(
    model: ModelInputs, field: FieldPath, name: str, settings: FieldPath, config: Mapping[str, object]
) -> Iterator[Finding]:
    package = NEEDED.get(name)
    if package is not None and package not in model.packages:
        yield _without(field, f"{name} needs {package}", package)
    elif config.get(_BETA_SIGMAS) is True and "scipy" not in model.packages:
        path = settings if settings == field else (*settings, _BETA_SIGMAS)
        yield _without(path, f"{name} with {_BETA_SIGMAS} needs scipy", "scipy")


def _without(field: FieldPath, found: str, package: str) -> Finding:
    return Finding(
        path=field,
        found=f"{found}, which is not installed on this machine",
        allowed=f"needed: pip install {package}, here and on every machine that renders; or another scheduler",
    )
