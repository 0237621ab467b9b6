"""Which schedulers each pipeline takes; measured by a call of every pipeline with every scheduler of diffusers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.checks.asked import Asked
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import Traits
from farm.manifest.schedulers import DIFFUSION, FLOW, SOLVERS

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
"""Those whose first latents and inputs of the net are not at the scale of plain noise."""

_WITHOUT_ADD_NOISE = ("DDIMInverseScheduler", "IPNDMScheduler")
_FLOW_CONFIG = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_SUCH_AS = {"diffusion": "DDIMScheduler", "flow": _EULER, "consistency": "LCMScheduler"}


def such_as(traits: Traits) -> str:
    """Return one that pipelines of the kind take."""
    return _SUCH_AS[traits.sampling]


def why_unfit(pipeline: str, traits: Traits, name: str) -> str:
    """Return why a pipeline cannot sample with a scheduler, or nothing."""
    if traits.sampling == "consistency":
        return "" if name == "LCMScheduler" else f"{pipeline} takes LCMScheduler only."
    if traits.sampling == "flow":
        return _why_no_flow(pipeline, traits, name)
    if name in FLOW:
        return f"It samples flow-matching models, such as Stable Diffusion 3 and Flux; {pipeline} has none."
    if traits.starts_from_picture and name in _WITHOUT_ADD_NOISE:
        return f"It has no add_noise(), with which {pipeline} starts from a picture."
    if not traits.scales_latents and name in _SCALED:
        return f"{pipeline} never scales latents, as it asks for."
    if traits.own_scheduler in SOLVERS and name == "DDIMInverseScheduler":
        return "It has no timestep_spacing linspace, which is the checkpoint's."
    return ""


def _why_no_flow(pipeline: str, traits: Traits, name: str) -> str:
    if name in traits.flow_schedulers:
        return ""
    if name == _LCM:
        return f"It draws noise while it samples, and {pipeline} gives it no generator."
    if name in (_HEUN, *SOLVERS):
        return f"{pipeline} sets its sigmas, which its set_timesteps() does not take."
    return f"It samples diffusion models; {pipeline} is a flow-matching one."


def scheduler_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every scheduler, and every setting of one, with which the pipeline cannot sample."""
    for path, name, config in _written(asked):
        reason = why_unfit(asked.pipeline, asked.traits, name)
        if name in (*DIFFUSION, *FLOW) and reason:
            yield Finding(
                path=path,
                found=f"found {name!r}",
                allowed=f"allowed: a scheduler that {asked.pipeline} takes, such as {such_as(asked.traits)}",
                hint=reason,
            )
        elif name in (*DIFFUSION, *FLOW):
            yield from _settings(asked, path, name, config)


def _written(asked: Asked) -> Iterator[tuple[FieldPath, str, Mapping[Any, Any]]]:
    """Yields the place of every scheduler's name, the name and the configuration."""
    places: list[tuple[FieldPath, Any]] = [(("model", "scheduler"), asked.model.get("scheduler"))]
    axis = asked.over.get("scheduler")
    if isinstance(axis, list):
        places += [(("animation", "over", "scheduler", number), value) for number, value in enumerate(axis)]
    for path, scheduler in places:
        match scheduler:
            case str(name):
                yield path, name, {}
            case {"class": str(name)}:
                config = scheduler.get("config")
                yield (*path, "class"), name, config if isinstance(config, dict) else {}


def _settings(asked: Asked, path: FieldPath, name: str, config: Mapping[Any, Any]) -> Iterator[Finding]:
    is_flow, pipeline = asked.traits.sampling == "flow", asked.pipeline
    place = path[:-1] if path[-1] == "class" else path
    if not asked.traits.hands_generators_on:
        for setting, value in config.items():
            if (setting == "stochastic_sampling" and value is True) or str(value).startswith("sde-"):
                yield Finding(
                    path=(*place, "config", setting),
                    found=f"found {describe_value(value)}",
                    allowed=f"allowed: what draws no noise, since {pipeline} gives schedulers no generator",
                )
    needed = needed_settings(asked.traits, name)
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
    """Return the settings that a scheduler needs beside the checkpoint's own."""
    if traits.sampling == "flow":
        return _FLOW_CONFIG if name in SOLVERS and traits.own_scheduler not in SOLVERS else {}
    if traits.own_scheduler in SOLVERS and name == "SASolverScheduler":
        return {"algorithm_type": "data_prediction"}
    return {}


def _why_needed(pipeline: str, is_flow: bool) -> str:
    return f"{pipeline} is a flow-matching one" if is_flow else f"those of {pipeline} are for another solver"
