"""Schedulers must have their packages, supported settings, and a pipeline that they can sample for."""

import diffusers
import pytest
from diffusers.utils import dummy_torch_and_scipy_objects, dummy_torch_and_torchsde_objects

from farm.inputs import resolved
from farm.inputs.checkpoints.schedulers import OPTIONAL_PACKAGES
from farm.manifest.schedulers import SCHEDULERS
from farm.rules.schedulers import NEEDED
from tests.rules.altering import altered

SD, LCM = "StableDiffusionPipeline", "LatentConsistencyModelPipeline"
CONFIG = "scheduler/scheduler_config.json"
SCIPY = (
    "needs scipy, which is not installed on this machine; needed: pip install scipy, here and on every machine that "
    "renders; or another scheduler."
)


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(resolved, "installed_packages", frozenset)


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr(resolved, "installed_packages", lambda: frozenset(OPTIONAL_PACKAGES))


def test_the_packages_of_schedulers_are_those_that_diffusers_requires():
    dummies = {
        name: stand_in
        for module in (dummy_torch_and_scipy_objects, dummy_torch_and_torchsde_objects)
        for name, stand_in in vars(module).items()
        if name in SCHEDULERS
    }
    assert {name: dummy._backends[1] for name, dummy in dummies.items()} == NEEDED
    assert set(NEEDED.values()) == set(OPTIONAL_PACKAGES)


@pytest.mark.usefixtures("nothing_installed")
def test_a_scheduler_without_its_package_is_reported_with_the_package_to_install(mismatches):
    chosen = {"class": "LMSDiscreteScheduler"}
    assert mismatches(SD, "@sd", scheduler=chosen) == [f"model.scheduler.class: LMSDiscreteScheduler {SCIPY}"]
    over = {"scheduler": ["DDIMScheduler", chosen]}
    assert mismatches(SD, "@sd", {}, {"kind": "sweep", "prompt": "a star", "over": over}) == [
        f"animation.over.scheduler[1].class: LMSDiscreteScheduler {SCIPY}"
    ]


@pytest.mark.usefixtures("nothing_installed")
def test_a_setting_without_its_package_is_reported_at_the_setting(mismatches):
    chosen = {"class": "EulerDiscreteScheduler", "config": {"use_beta_sigmas": True}}
    assert mismatches(SD, "@sd", scheduler=chosen) == [
        f"model.scheduler.config.use_beta_sigmas: EulerDiscreteScheduler with use_beta_sigmas {SCIPY}"
    ]


@pytest.mark.usefixtures("nothing_installed")
def test_the_checkpoints_own_scheduler_needs_its_package_even_if_another_samples(saved, mismatches, tmp_path):
    copy = altered(saved("sd"), tmp_path / "lms", CONFIG, _class_name="LMSDiscreteScheduler")
    expected = [f"model.pretrained: LMSDiscreteScheduler {SCIPY}"]
    assert mismatches(SD, copy) == mismatches(SD, copy, scheduler={"class": "DDIMScheduler"}) == expected


@pytest.mark.usefixtures("all_installed")
def test_with_the_packages_schedulers_and_settings_are_accepted(mismatches):
    assert (
        mismatches(
            SD, "@sd", scheduler={"class": "LMSDiscreteScheduler", "config": {"use_beta_sigmas": True}}
        )
        == []
    )


def test_the_checkpoints_own_scheduler_must_suit_the_pipeline_unless_another_is_chosen(
    saved, mismatches, tmp_path
):
    copy = altered(saved(LCM), tmp_path / "ddim", CONFIG, _class_name="DDIMScheduler")
    assert mismatches(LCM, copy) == [
        "model.pretrained: its own scheduler is DDIMScheduler; needed: a model.scheduler that "
        f"{LCM} takes, such as LCMScheduler. {LCM} takes LCMScheduler only."
    ]
    assert mismatches(LCM, copy, scheduler={"class": "LCMScheduler"}) == []


def test_an_unknown_setting_is_reported_with_the_known_ones(mismatches):
    chosen = {"class": "LCMScheduler", "config": {"original_inference_step": 40}}
    own = sorted(diffusers.LCMScheduler._get_init_keys(diffusers.LCMScheduler) - {"self"})
    assert mismatches(SD, "@sd", scheduler=chosen) == [
        "model.scheduler.config.original_inference_step: LCMScheduler takes no original_inference_step "
        f"(did you mean 'original_inference_steps'?); allowed: {', '.join(own)}."
    ]


def test_an_invalid_value_of_a_setting_is_reported(mismatches):
    config = {"timestep_spacing": "trailling", "prediction_type": "noise"}
    assert mismatches(SD, "@sd", scheduler={"class": "DDIMScheduler", "config": config}) == [
        "model.scheduler.config.timestep_spacing: found 'trailling' (did you mean 'trailing'?); "
        "allowed: leading, linspace, trailing.",
        "model.scheduler.config.prediction_type: found 'noise'; allowed: epsilon, flow_prediction, "
        "sample, v_prediction.",
    ]
