"""The number of steps is limited by the scheduler."""

from tests.rules.altering import altered

SD, FLUX = "StableDiffusionPipeline", "FluxPipeline"
CONFIG = "scheduler/scheduler_config.json"
LCM = {"class": "LCMScheduler"}


def _expected(taken, allowed, name, limit, field="render.num_inference_steps"):
    return [
        f"{field}: {taken} steps out of {allowed} of {name}; allowed: up to {allowed}, or more with a larger {limit} "
        "in its config."
    ]


def test_an_lcm_scheduler_is_limited_to_its_schedule(mismatches):
    assert mismatches(SD, "@sd", {"num_inference_steps": 51}, scheduler=LCM) == _expected(
        51, 50, "LCMScheduler", "original_inference_steps"
    )
    assert mismatches(SD, "@sd", {"num_inference_steps": 50}, scheduler=LCM) == []
    longer = LCM | {"config": {"original_inference_steps": 100}}
    assert mismatches(SD, "@sd", {"num_inference_steps": 51}, scheduler=longer) == []


def test_one_scheduler_of_a_sweep_with_too_few_steps_is_reported(mismatches):
    over = {"scheduler": ["DDIMScheduler", "LCMScheduler"], "num_inference_steps": [4, 60]}
    sweep = {"kind": "sweep", "prompt": "a star", "over": over}
    assert mismatches(SD, "@sd", {}, sweep) == _expected(
        60, 50, "LCMScheduler", "original_inference_steps", "animation.over.num_inference_steps"
    )
    over["scheduler"] = ["DDIMScheduler"]
    assert mismatches(SD, "@sd", {}, sweep, scheduler=LCM) == []


def test_a_scheduler_is_limited_to_its_training_steps(mismatches, saved, tmp_path):
    few = {"class": "DDIMScheduler", "config": {"num_train_timesteps": 40}}
    expected = _expected(50, 40, "DDIMScheduler", "num_train_timesteps")
    assert mismatches(SD, "@sd", scheduler=few) == expected
    assert mismatches(SD, "@sd", {"num_inference_steps": 40}, scheduler=few) == []
    trained = altered(saved("sd"), tmp_path / "trained", CONFIG, num_train_timesteps=40)
    assert mismatches(SD, trained) == expected
    assert mismatches(SD, trained, scheduler={"class": "PNDMScheduler"}) == _expected(
        50, 40, "PNDMScheduler", "num_train_timesteps"
    )


def test_the_checkpoints_own_schedule_applies_if_the_manifest_sets_none(mismatches, saved, tmp_path):
    own = altered(
        saved("sd"), tmp_path / "own", CONFIG, _class_name="LCMScheduler", original_inference_steps=8
    )
    expected = _expected(9, 8, "LCMScheduler", "original_inference_steps")
    assert mismatches(SD, own, {"num_inference_steps": 9}) == expected
    assert mismatches(SD, own, {"num_inference_steps": 9}, scheduler=LCM) == expected
    assert mismatches(SD, own, {"num_inference_steps": 9}, scheduler={"class": "DDIMScheduler"}) == []


def test_flow_matching_has_no_limit_of_steps(mismatches, saved, tmp_path):
    few = altered(saved(FLUX), tmp_path / "few", CONFIG, num_train_timesteps=10)
    assert mismatches(FLUX, few) == []
