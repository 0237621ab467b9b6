from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.rules.load import parse
from tests.rules.test_pipeline_checks import _messages, _text

IMG2IMG = "StableDiffusionImg2ImgPipeline"


@pytest.mark.parametrize(
    ("render", "field", "found", "minimum"),
    [
        ("strength: 0.01", "strength", "0.01 of 50 steps leaves none", "0.02 with 50 steps"),
        (
            "num_inference_steps: 3, strength: {0: 0.3, 3: 1}",
            "strength[0]",
            "0.3 of 3 steps leaves none",
            "0.3334 with 3 steps",
        ),
        ("num_inference_steps: 1", "strength", "0.8 of 1 steps leaves none", "1 with 1 steps"),
    ],
)
def test_a_strength_leaves_a_step(problems: Any, render: str, field: str, found: str, minimum: str) -> None:
    assert _messages(problems, _text(IMG2IMG, render=f"image: a.png, {render}")) == [
        f"render.{field}: {found}; allowed: at least {minimum}."
    ]


@pytest.mark.parametrize("steps", range(1, 200))
def test_the_reported_minimum_strength_is_allowed(problems: Any, steps: int) -> None:
    def text(strength: str) -> str:
        return _text(IMG2IMG, render=f"image: a.png, num_inference_steps: {steps}, strength: {strength}")

    (message,) = _messages(problems, text("0"))
    minimum = message.partition("at least ")[2].split(" ")[0]
    parse(text(minimum), Path("a.yaml"))
    assert int(steps * float(minimum)) == 1


def test_the_strengths_of_a_sweep_must_leave_a_step_of_its_fewest(problems: Any) -> None:
    sweep = (
        "animation: {kind: sweep, prompt: a, over: {strength: [0.1, 0.5], num_inference_steps: [4, 20]}}\n"
    )
    assert _messages(problems, _text(IMG2IMG, render="image: a.png", animation=sweep)) == [
        "animation.over.strength[0]: 0.1 of 4 steps leaves none; allowed: at least 0.25 with 4 steps."
    ]


def test_the_schedule_of_a_consistency_model_must_contain_the_steps_taken_from_it(problems: Any) -> None:
    lcm = "LatentConsistencyModelPipeline"
    assert _messages(problems, _text(lcm, render="num_inference_steps: 8, original_inference_steps: 6")) == [
        "render.original_inference_steps: 8 steps out of 6; allowed: 8 or more."
    ]
    start = "LatentConsistencyModelImg2ImgPipeline"
    assert _messages(problems, _text(start, render="image: a.png, strength: 0.05")) == [
        "render.strength: 0.05 of 50 steps leaves 2; allowed: at least 0.08 with 50 steps."
    ]
    parse(_text(start, render="image: a.png, strength: 0.08"), Path("a.yaml"))


@pytest.mark.parametrize("kind", ["", "Img2Img"])
def test_steps_beyond_the_schedule_need_a_longer_schedule(problems: Any, kind: str) -> None:
    lcm, image = f"LatentConsistencyModel{kind}Pipeline", "image: a.png, strength: 1, " if kind else ""
    longer = "allowed: up to 50, or more with render.original_inference_steps."
    assert _messages(problems, _text(lcm, render=f"{image}num_inference_steps: 60")) == [
        f"render.num_inference_steps: 60 steps out of 50; {longer}"
    ]
    sweep = "animation: {kind: sweep, prompt: a, over: {num_inference_steps: [4, 51]}}\n"
    assert _messages(problems, _text(lcm, render=image, animation=sweep)) == [
        f"animation.over.num_inference_steps: 51 steps out of 50; {longer}"
    ]
    parse(_text(lcm, render=f"{image}num_inference_steps: 60, original_inference_steps: 60"), Path("a.yaml"))
