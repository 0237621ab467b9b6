from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.rules.load import parse
from tests.rules.test_pipeline_checks import _messages, _text

SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
XL = "stabilityai/stable-diffusion-xl-base-1.0"


def _single(pipeline: str, model: str = "", render: str = "") -> str:
    return _text(pipeline, model, render).replace("pretrained: tiny", "pretrained: ./b.safetensors")


@pytest.mark.parametrize(
    ("pipeline", "render", "usual"),
    [
        ("StableDiffusionPipeline", "", SD),
        ("StableDiffusionXLPipeline", "", XL),
        (
            "StableDiffusionXLInpaintPipeline",
            "image: a.png, mask_image: b.png",
            f"diffusers/stable-diffusion-xl-1.0-inpainting-0.1 or {XL}",
        ),
        ("FluxPipeline", "", "black-forest-labs/FLUX.1-dev"),
    ],
)
@pytest.mark.parametrize("config", ["", "config: null"])
def test_a_single_file_without_a_configuration_is_reported_with_the_usual_one(
    problems: Any, pipeline: str, render: str, usual: str, config: str
) -> None:
    assert _messages(problems, _single(pipeline, config, render)) == [
        "model.config: missing; needed: a hub id with its commit, or a folder, to provide the architecture, "
        f"tokenizers and scheduler, since the file contains weights only. The usual one for {pipeline} is {usual}."
    ]


def test_a_single_file_with_a_configuration_is_valid() -> None:
    parse(_single("StableDiffusionPipeline", "config: {pretrained: ./a}"), Path("a.yaml"))


def test_a_configuration_needs_a_single_file_and_is_not_one_itself(problems: Any) -> None:
    assert _messages(problems, _text("StableDiffusionPipeline", "config: {pretrained: ./a.safetensors}")) == [
        "model.config: a configuration for 'tiny', which contains its own; allowed: with a .safetensors file.",
        "model.config.pretrained: found './a.safetensors', which contains weights only; allowed: a hub id or a folder.",
    ]


def test_an_invalid_configuration_is_reported_once(problems: Any) -> None:
    lines = _messages(problems, _single("StableDiffusionPipeline", "config: 5"))
    assert [line.partition(":")[0] for line in lines] == ["model.config"]
