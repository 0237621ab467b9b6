"""Whether schedulers have as many steps as are to be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farm.manifest import Manifest
from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES
from farm.records import DiffusersSpec
from farm.run.fit.asked_for import most, over, place
from farm.run.fit.samplers import own_settings

_OF_ITSELF = {"num_train_timesteps": 1000, "original_inference_steps": 50}
"""What LCMScheduler has where no configuration says it, and others too."""


def step_findings(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield a number of steps beyond what a scheduler was trained with, or beyond the schedule of an LCMScheduler.

    A scheduler that is written goes by the checkpoint's settings where its own config has none. Those of flow-matching
    models count no steps; a latent consistency model's schedule is an argument, and the manifest's own checks hold it.
    """
    sampling = PIPELINES[spec.pipeline].sampling
    steps = int(most(manifest, "num_inference_steps"))
    if sampling == "flow":
        return
    for name, settings in _schedulers(manifest, spec):
        limit = "num_train_timesteps"
        if name == "LCMScheduler" and sampling != "consistency":
            limit = min(_OF_ITSELF, key=lambda each: _of(settings, each))
        if steps > (allowed := _of(settings, limit)):
            yield Finding(
                path=place(manifest, "num_inference_steps"),
                found=f"{steps} steps out of {allowed} of {name}",
                allowed=f"allowed: up to {allowed}, or more with a larger {limit} in its config",
            )
            return


def _schedulers(manifest: Manifest, spec: DiffusersSpec) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield those that frames are sampled with; nothing of a checkpoint's own that is not on this machine yet."""
    own = own_settings(spec)
    chosen = over(manifest).get("scheduler") or [manifest.model.scheduler]
    for scheduler in chosen:
        if scheduler is not None:
            yield scheduler.class_, {**own, **scheduler.config}
        elif own:
            yield str(own.get("_class_name", "")), own


def _of(settings: Mapping[str, object], name: str) -> int:
    value = settings.get(name)
    return value if isinstance(value, int) else _OF_ITSELF[name]
