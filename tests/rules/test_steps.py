"""No more steps are taken than a scheduler has."""

from tests.rules.altering import altered

SD, FLUX = "StableDiffusionPipeline", "FluxPipeline"
AS_SAVED = "scheduler/scheduler_config.json"
LCM = {"class": "LCMScheduler"}


def _told_of(taken, allowed, name, limit, place="render.num_inference_steps"):
    return [
        f"{place}: {taken} steps out of {allowed} of {name}; allowed: up to {allowed}, or more with a larger {limit} "
        "in its config."
    ]


def test_an_lcm_scheduler_has_the_steps_of_its_schedule(told):
    assert told(SD, "@sd", {"num_inference_steps": 51}, scheduler=LCM) == _told_of(
        51, 50, "LCMScheduler", "original_inference_steps"
    )
    assert told(SD, "@sd", {"num_inference_steps": 50}, scheduler=LCM) == []
    longer = LCM | {"config": {"original_inference_steps": 100}}
    assert told(SD, "@sd", {"num_inference_steps": 51}, scheduler=longer) == []


def test_one_scheduler_of_a_sweep_is_enough_to_have_too_few(told):
    over = {"scheduler": ["DDIMScheduler", "LCMScheduler"], "num_inference_steps": [4, 60]}
    sweep = {"kind": "sweep", "prompt": "a star", "over": over}
    assert told(SD, "@sd", {}, sweep) == _told_of(
        60, 50, "LCMScheduler", "original_inference_steps", "animation.over.num_inference_steps"
    )
    over["scheduler"] = ["DDIMScheduler"]
    assert told(SD, "@sd", {}, sweep, scheduler=LCM) == []


def test_a_scheduler_has_the_steps_that_it_was_trained_with(told, shelf, tmp_path):
    few = {"class": "DDIMScheduler", "config": {"num_train_timesteps": 40}}
    expected = _told_of(50, 40, "DDIMScheduler", "num_train_timesteps")
    assert told(SD, "@sd", scheduler=few) == expected
    assert told(SD, "@sd", {"num_inference_steps": 40}, scheduler=few) == []
    trained = altered(shelf("sd"), tmp_path / "trained", AS_SAVED, num_train_timesteps=40)
    assert told(SD, trained) == expected
    assert told(SD, trained, scheduler={"class": "PNDMScheduler"}) == _told_of(
        50, 40, "PNDMScheduler", "num_train_timesteps"
    )


def test_the_checkpoints_own_schedule_counts_where_the_manifest_says_none(told, shelf, tmp_path):
    own = altered(
        shelf("sd"), tmp_path / "own", AS_SAVED, _class_name="LCMScheduler", original_inference_steps=8
    )
    expected = _told_of(9, 8, "LCMScheduler", "original_inference_steps")
    assert told(SD, own, {"num_inference_steps": 9}) == expected
    assert told(SD, own, {"num_inference_steps": 9}, scheduler=LCM) == expected
    assert told(SD, own, {"num_inference_steps": 9}, scheduler={"class": "DDIMScheduler"}) == []


def test_flow_matching_counts_no_steps(told, shelf, tmp_path):
    few = altered(shelf(FLUX), tmp_path / "few", AS_SAVED, num_train_timesteps=10)
    assert told(FLUX, few) == []
