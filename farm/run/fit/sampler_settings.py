"""Whether a scheduler has the settings that the manifest gives it, and knows their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farm.manifest.findings import Finding, describe_value, did_you_mean
from farm.manifest.location import FieldPath
from farm.manifest.model import Scheduler
from farm.render.checkpoints.scheduler_code import settings_of

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "timestep_spacing": ("leading", "linspace", "trailing"),
    "prediction_type": ("epsilon", "flow_prediction", "sample", "v_prediction"),
}
"""What the words of the setting can be in one scheduler or another."""


def setting_findings(field: FieldPath, scheduler: Scheduler) -> Iterator[Finding]:
    """Yield every setting that the scheduler does not take, and every word for one that no scheduler knows."""
    takes = settings_of(scheduler.class_)
    for name, value in scheduler.config.items():
        choices = _CHOICES.get(name, ())
        if takes and name not in takes:
            yield Finding(
                path=(*field, "config", name),
                found=f"{scheduler.class_} takes no {name}",
                allowed=f"allowed: {', '.join(sorted(takes))}",
                hint=did_you_mean(name, takes),
            )
        elif choices and value not in choices:
            yield Finding(
                path=(*field, "config", name),
                found=f"found {describe_value(value)}",
                allowed=f"allowed: {', '.join(choices)}",
                hint=did_you_mean(value, choices),
            )
