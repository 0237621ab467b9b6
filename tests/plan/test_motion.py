import math

import pytest

from farm.plan import derive
from farm.plan.motions import (
    CircleMotion,
    GridMotion,
    InterpolateMotion,
    StillsMotion,
    SweepMotion,
    WalkMotion,
)
from farm.records import SchedulerSpec


def interpolate(**changes):
    settings = {
        "prompts": ("a", "b", "c"),
        "negative_prompt": "",
        "keyframes": (0, 10, 20),
        "alphas": None,
        "mix": "lerp",
        "easing": "linear",
        "noise_mode": "fixed",
        "seed": 42,
        "keyframe_seeds": (1, 2, 3),
    }
    return InterpolateMotion(**(settings | changes))


def mixture(point):
    return dict(zip(point.conditioning.prompts, point.conditioning.weights, strict=True))


def test_an_interpolation_reaches_each_prompt_exactly_once():
    motion = interpolate()
    alone = [frame for frame in range(21) if len(motion.at(frame).conditioning.prompts) == 1]
    assert alone == [0, 10, 20]
    assert mixture(motion.at(10)) == {"b": 1.0}
    assert mixture(motion.at(5)) == {"a": 0.5, "b": 0.5}
    assert mixture(motion.at(18)) == pytest.approx({"b": 0.2, "c": 0.8})


def test_the_first_and_the_last_prompt_are_held_outside_their_keyframes():
    motion = interpolate(keyframes=(5, 10, 15))
    assert [mixture(motion.at(frame)) for frame in (0, 5, 15, 20)] == [
        {"a": 1.0},
        {"a": 1.0},
        {"c": 1.0},
        {"c": 1.0},
    ]


def test_alpha_runs_from_0_to_1_over_all_prompts():
    motion = interpolate()
    assert [motion.at(frame).alpha for frame in (0, 5, 10, 20)] == [0.0, 0.25, 0.5, 1.0]


def test_explicit_alphas_are_positions_over_all_prompts():
    motion = interpolate(alphas=(0.0, 0.25, 1.0))
    assert [mixture(motion.at(frame)) for frame in range(3)] == [{"a": 1.0}, {"a": 0.5, "b": 0.5}, {"c": 1.0}]


def test_an_alpha_at_a_prompt_reaches_it_exactly():
    prompts = tuple(map(str, range(23)))
    motion = interpolate(prompts=prompts, keyframes=(), alphas=tuple(k / 22 for k in range(23)))
    assert 15 / 22 * 22 != 15
    assert [mixture(motion.at(frame)) for frame in range(23)] == [{prompt: 1.0} for prompt in prompts]


def test_easing_changes_the_frames_between_keyframes_but_not_the_keyframes():
    motion = interpolate(easing="ease_in")
    assert mixture(motion.at(10)) == {"b": 1.0}
    assert mixture(motion.at(5))["b"] < 0.5


def test_two_equal_prompts_in_a_row_are_used_as_encoded():
    assert mixture(interpolate(prompts=("a", "a", "c")).at(3)) == {"a": 1.0}


def test_keyframe_noise_is_interpolated_between_seeds_with_one_sampler_stream():
    motion = interpolate(noise_mode="keyframes")
    ends = [motion.at(frame).noise for frame in (0, 10, 20)]
    assert [noise.seeds for noise in ends] == [(1,), (2,), (3,)]
    between = motion.at(5).noise
    assert (between.mix, between.seeds, between.weights) == ("slerp", (1, 2), (0.5, 0.5))
    assert {motion.at(frame).noise.stream for frame in range(21)} == {1}


def test_noise_is_constant_between_keyframes_of_equal_seeds():
    motion = interpolate(noise_mode="keyframes", keyframe_seeds=(5, 5, 7))
    assert [motion.at(frame).noise.seeds for frame in (0, 5, 10, 15, 20)] == [(5,), (5,), (5,), (5, 7), (7,)]
    assert all(motion.at(frame).noise.weights == (1.0,) for frame in (0, 5, 10, 20))


def test_per_frame_noise_is_derived_from_the_frame():
    noise = interpolate(noise_mode="per_frame").at(7).noise
    assert noise.seeds == (derive(42, 7),)
    assert noise.stream == derive(42, 7)


def test_the_corners_of_a_grid_are_its_prompts_and_its_centre_mixes_all_of_them():
    grid = GridMotion(
        corners=("a", "b", "c", "d"), negative_prompt="", rows=3, columns=5, noise_mode="fixed", seed=0
    )
    assert [mixture(grid.at(frame)) for frame in (0, 4, 10, 14)] == [{p: 1.0} for p in "abcd"]
    assert mixture(grid.at(7)) == {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}


def test_a_walk_takes_equal_steps_from_the_prompt_itself():
    walk = WalkMotion(prompt="a", negative_prompt="", frames=150, step_size=0.005, direction="ones", seed=0)
    assert walk.at(0).conditioning.drift is None
    assert walk.at(149).conditioning.drift.distance == pytest.approx(0.745)


def test_a_circle_closes_without_a_repeated_frame():
    circle = CircleMotion(prompt="a", negative_prompt="", frames=8, seeds=(1, 2))
    angles = [math.atan2(*reversed(circle.at(frame).noise.weights)) % (2 * math.pi) for frame in range(8)]
    assert angles == pytest.approx([frame * math.pi / 4 for frame in range(8)])
    assert circle.at(0).noise.weights == (1.0, 0.0)


def test_stills_are_every_prompt_with_every_seed():
    stills = StillsMotion(
        prompts=("a", "b"), negative_prompt="", images_per_prompt=3, seed=0, seeds=(7, 8, 9)
    )
    frames = [(stills.at(i).conditioning.prompts[0], stills.at(i).noise.seeds[0]) for i in range(6)]
    assert frames == [("a", 7), ("a", 8), ("a", 9), ("b", 7), ("b", 8), ("b", 9)]
    own = StillsMotion(prompts=("a",), negative_prompt="", images_per_prompt=2, seed=5, seeds=None)
    assert own.at(1).noise.seeds == (derive(5, 1),)


def test_a_sweep_covers_the_product_with_its_first_axis_slowest():
    ddim, euler = (
        SchedulerSpec(class_name=name, config={}) for name in ("DDIMScheduler", "EulerDiscreteScheduler")
    )
    sweep = SweepMotion(
        prompt="a",
        negative_prompt="",
        seed=0,
        axes=(("scheduler", (ddim, euler)), ("guidance_scale", (1.0, 5.0, 9.0))),
    )
    points = [sweep.at(frame) for frame in range(6)]
    assert [point.scheduler for point in points] == [ddim] * 3 + [euler] * 3
    assert [point.arguments["guidance_scale"] for point in points] == [1.0, 5.0, 9.0] * 2
