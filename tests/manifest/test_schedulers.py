from __future__ import annotations

import json

import pytest

from farm.manifest import json_schema
from farm.manifest.schedulers import REFUSED, SCHEDULERS


def test_the_schedulers_are_those_of_the_installed_diffusers() -> None:
    import diffusers

    installed = sorted(name for name in dir(diffusers) if name.endswith("Scheduler"))
    assert sorted([*SCHEDULERS, *REFUSED]) == installed, (
        f"diffusers {diffusers.__version__} has others: see farm/manifest/schedulers.py"
    )


def test_a_refused_scheduler_is_reported_with_the_reason(problems, valid: str) -> None:
    text = valid.replace("animation:", "  scheduler: {class: DPMSolverSDEScheduler}\nanimation:")
    assert problems(text) == [
        "doggo.yaml:6:15: model.scheduler.class: found 'DPMSolverSDEScheduler'; allowed: a diffusers scheduler that "
        "the farm supports, such as DDIMScheduler. Its step() ignores generators and draws from torch's global "
        "one, so its frames could not be reproduced; DPMSolverMultistepScheduler with algorithm_type "
        "sde-dpmsolver++ is stochastic and reproducible."
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_no_axis_of_a_sweep_takes_a_refused_scheduler_by_name_or_by_class(
    problems, valid: str, name: str
) -> None:
    start = valid[: valid.index("animation:")]
    sweep = f"animation: {{kind: sweep, prompt: a, over: {{scheduler: [{name}, {{class: {name}}}]}}}}\n"
    allowed = "allowed: a diffusers scheduler that the farm supports, such as DDIMScheduler. "
    first, second = problems(start + sweep)
    assert first.endswith(f": animation.over.scheduler[0]: found '{name}'; {allowed}{REFUSED[name]}")
    assert second.endswith(f": animation.over.scheduler[1].class: found '{name}'; {allowed}{REFUSED[name]}")


def test_a_wrong_name_on_an_axis_is_reported_at_its_location(problems, valid: str) -> None:
    start = valid[: valid.index("animation:")]
    sweep = "animation: {kind: sweep, prompt: a, over: {scheduler: [DDIMSheduler]}}\n"
    assert problems(start + sweep) == [
        "doggo.yaml:6:56: animation.over.scheduler[0]: found 'DDIMSheduler' (did you mean 'DDIMScheduler'?); allowed: "
        "a diffusers scheduler that the farm supports, such as DDIMScheduler."
    ]


def test_editors_offer_no_refused_scheduler() -> None:
    schema = json.dumps(json_schema())
    assert [name for name in REFUSED if f'"{name}"' in schema] == []
    assert [name for name in SCHEDULERS if f'"{name}"' not in schema] == []
