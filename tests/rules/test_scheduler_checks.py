"""The schedulers that each pipeline takes: refused ones are reported with a reason, and all others sample."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from farm.manifest.pipelines import PIPELINES, Traits
from farm.manifest.schedulers import SCHEDULERS
from farm.rules.load import parse
from farm.rules.schedulers import needed_settings, why_incompatible
from tests.exhaustive import sample

FLOW = [name for name, traits in PIPELINES.items() if traits.sampling == "flow"]
NEEDS = {"CosineDPMSolverMultistepScheduler": "torchsde", "LMSDiscreteScheduler": "scipy"}
INSTALLED = [name for name in SCHEDULERS if name not in NEEDS or find_spec(NEEDS[name])]
OWN_SIGMAS = (
    *("CMStochasticIterativeScheduler", "CosineDPMSolverMultistepScheduler"),
    *("EDMDPMSolverMultistepScheduler", "EDMEulerScheduler"),
)
"""They require sigma_min and sigma_max, which are null in XL's own configuration."""


def _manifest(pipeline: str, scheduler: str, animation: str = "{kind: circle, prompt: a, frames: 2}") -> str:
    return (
        f"version: 1\nname: a\nmodel:\n  pipeline: {pipeline}\n  pretrained: tiny\n"
        f"  scheduler: {scheduler}\nanimation: {animation}\n"
    )


@pytest.mark.parametrize(
    ("pipeline", "scheduler", "such_as", "reason"),
    [
        (
            "StableDiffusionPipeline",
            "FlowMatchEulerDiscreteScheduler",
            "DDIMScheduler",
            "It samples flow-matching models, such as Stable Diffusion 3 and Flux; StableDiffusionPipeline has no such "
            "model.",
        ),
        (
            "LatentConsistencyModelPipeline",
            "DDIMScheduler",
            "LCMScheduler",
            "LatentConsistencyModelPipeline takes LCMScheduler only.",
        ),
        (
            "LDMTextToImagePipeline",
            "EulerDiscreteScheduler",
            "DDIMScheduler",
            "LDMTextToImagePipeline does not scale latents, as it requires.",
        ),
        (
            "PixArtSigmaPipeline",
            "DDIMInverseScheduler",
            "DDIMScheduler",
            "It does not support timestep_spacing linspace, which the checkpoint uses.",
        ),
        (
            "FluxPipeline",
            "FlowMatchHeunDiscreteScheduler",
            "FlowMatchEulerDiscreteScheduler",
            "FluxPipeline passes sigmas, which its set_timesteps() does not accept.",
        ),
        (
            "StableDiffusion3Pipeline",
            "FlowMatchLCMScheduler",
            "FlowMatchEulerDiscreteScheduler",
            "It draws noise while sampling, but StableDiffusion3Pipeline passes it no generator.",
        ),
        (
            "SanaPipeline",
            "DDIMScheduler",
            "FlowMatchEulerDiscreteScheduler",
            "It samples diffusion models; SanaPipeline is a flow-matching pipeline.",
        ),
    ],
)
def test_a_scheduler_that_the_pipeline_cannot_sample_with_is_refused_with_the_reason(
    problems: Any, pipeline: str, scheduler: str, such_as: str, reason: str
) -> None:
    message = f"found '{scheduler}'; allowed: a scheduler that {pipeline} takes, such as {such_as}. {reason}"
    assert problems(_manifest(pipeline, f"{{class: {scheduler}}}")) == [
        f"a.yaml:6:15: model.scheduler.class: {message}".replace("a.yaml", "doggo.yaml")
    ]


def test_a_scheduler_without_add_noise_cannot_start_from_a_picture(problems: Any) -> None:
    text = _manifest("StableDiffusionImg2ImgPipeline", "{class: IPNDMScheduler}") + "render: {image: a.png}\n"
    assert problems(text) == [
        "doggo.yaml:6:15: model.scheduler.class: found 'IPNDMScheduler'; allowed: a scheduler that "
        "StableDiffusionImg2ImgPipeline takes, such as DDIMScheduler. It has no add_noise(), with which "
        "StableDiffusionImg2ImgPipeline starts from a picture."
    ]


def test_the_schedulers_of_a_sweep_are_checked_by_name_and_by_class(problems: Any) -> None:
    sweep = (
        "{kind: sweep, prompt: a, over: {scheduler: [LCMScheduler, DDIMScheduler, {class: PNDMScheduler}]}}"
    )
    lines = problems(_manifest("LatentConsistencyModelPipeline", "null", sweep))
    assert [line.split(": ", 2)[1] for line in lines] == [
        "animation.over.scheduler[1]",
        "animation.over.scheduler[2].class",
    ]


@pytest.mark.parametrize("pipeline", ["StableDiffusion3Pipeline", "FluxPipeline", "QwenImagePipeline"])
def test_a_solver_of_diffusion_models_needs_the_settings_of_flow(problems: Any, pipeline: str) -> None:
    assert problems(
        _manifest(pipeline, "{class: UniPCMultistepScheduler, config: {use_flow_sigmas: true}}")
    ) == [
        "doggo.yaml:6:15: model.scheduler.class: UniPCMultistepScheduler without use_flow_sigmas: true, "
        "prediction_type: flow_prediction; needed: these settings in its config, since "
        f"{pipeline} is a flow-matching pipeline."
    ]
    complete = (
        "{class: UniPCMultistepScheduler, config: {use_flow_sigmas: true, prediction_type: flow_prediction}}"
    )
    parse(_manifest(pipeline, complete), Path("a.yaml"))


def test_a_setting_that_draws_noise_needs_a_pipeline_that_passes_generators(problems: Any) -> None:
    drawn = "{class: FlowMatchEulerDiscreteScheduler, config: {stochastic_sampling: true}}"
    assert problems(_manifest("FluxPipeline", drawn)) == [
        "doggo.yaml:6:64: model.scheduler.config.stochastic_sampling: found true; allowed: values that draw no "
        "noise, since "
        "FluxPipeline passes schedulers no generator."
    ]
    parse(_manifest("SanaPipeline", drawn), Path("a.yaml"))


def test_every_flow_pipeline_takes_the_scheduler_of_its_checkpoints() -> None:
    for pipeline in FLOW:
        assert why_incompatible(pipeline, PIPELINES[pipeline], "FlowMatchEulerDiscreteScheduler") == ""


def test_a_flow_pipeline_takes_the_euler_scheduler_by_default(
    problems: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lumina = Traits(arguments={}, denoiser="Lumina2Transformer2DModel", sampling="flow")
    monkeypatch.setitem(cast("dict[str, Traits]", PIPELINES), "Lumina2Pipeline", lumina)
    assert problems(_manifest("Lumina2Pipeline", "{class: DDIMScheduler}")) == [
        "doggo.yaml:6:15: model.scheduler.class: found 'DDIMScheduler'; allowed: a scheduler that Lumina2Pipeline "
        "takes, such as FlowMatchEulerDiscreteScheduler. It samples diffusion models; Lumina2Pipeline is a "
        "flow-matching pipeline."
    ]
    parse(_manifest("Lumina2Pipeline", "{class: FlowMatchEulerDiscreteScheduler}"), Path("a.yaml"))


CALLED = [name for name in PIPELINES if "image" not in PIPELINES[name].arguments]


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("pipeline", sample(CALLED, of=["StableDiffusionPipeline", "FluxPipeline"]))
def test_a_pipeline_samples_with_every_scheduler_that_is_not_refused(pipeline: str, tmp_path: Path) -> None:
    import torch

    from farm.render.families import pipeline_class
    from tests.checkpoints.families import FAMILIES

    family = FAMILIES[pipeline]
    called: Any = pipeline_class(pipeline).from_pretrained(str(family.save(tmp_path / "checkpoint")))
    called.set_progress_bar_config(disable=True)
    own = called.scheduler.config
    failed: dict[str, str] = {}
    for name in INSTALLED:
        if why_incompatible(pipeline, PIPELINES[pipeline], name):
            continue
        if name in OWN_SIGMAS and pipeline == "StableDiffusionXLPipeline":
            continue
        try:
            before = torch.random.get_rng_state()
            picture = _draw(called, family, name, own, pipeline)
            if not torch.equal(before, torch.random.get_rng_state()):
                failed[name] = "drew from torch's global generator"
            elif not np.isfinite(picture).all():
                failed[name] = "drew no picture"
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    assert failed == {}


def _draw(called: Any, family: Any, name: str, own: Any, pipeline: str) -> Any:
    import diffusers
    import torch

    settings = needed_settings(PIPELINES[pipeline], name)
    called.scheduler = getattr(diffusers, name).from_config(own, **json.loads(json.dumps(dict(settings))))
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    words = {key: [value] * 2 if key == "negative_prompt" else value for key, value in family.call.items()}
    return called(
        ["a red star", "a fish"],
        generator=generators,
        height=family.side,
        width=family.side,
        num_inference_steps=4,
        output_type="np",
        **words,
    ).images


def test_only_sana_passes_generators_to_its_scheduler() -> None:
    assert [name for name in FLOW if PIPELINES[name].passes_generators_to_scheduler] == ["SanaPipeline"]
