from __future__ import annotations

from pathlib import Path

import pytest

from farm.rules.load import parse

HEAD = """\
version: 1
name: even
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
"""
VALID = "animation: {kind: interpolate, prompts: [a, b], frames: 9, pacing: perceptual}\n"


def test_pacing_is_uniform_by_default() -> None:
    text = HEAD + VALID.replace(", pacing: perceptual", "")
    assert parse(text, Path("even.yaml")).manifest.animation.pacing == "uniform"


@pytest.mark.parametrize(
    "more",
    [
        "",
        "render: {guidance_scale: 5.0, eta: {0: 0.5, 8: 0.5}}",
        "analysis: {clip: {pretrained: tiny-world-clip}}",
    ],
)
def test_a_pilot_can_choose_alphas_if_frames_differ_only_in_them(more: str) -> None:
    parse(HEAD + VALID + more, Path("even.yaml"))


def test_keyframe_noise_follows_the_alphas() -> None:
    parse(HEAD + VALID.replace("}", ", noise: {mode: keyframes}}"), Path("even.yaml"))


def test_pacing_with_explicit_alphas_only_records_how_they_were_chosen() -> None:
    listed = "animation: {kind: interpolate, prompts: [a, b], alphas: [0, 1], pacing: clip}\n"
    assert parse(HEAD + listed, Path("even.yaml")).manifest.animation.alphas == (0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "more", "line"),
    [
        (
            ("[a, b]", "{0: a, 8: b}"),
            "",
            "4:32: animation.prompts: a map of prompts with pacing perceptual; allowed: a list, whose frames the "
            "pacing chooses.",
        ),
        (
            ("frames: 9", "frames: 2"),
            "",
            "4:49: animation.frames: 2 frames for 2 prompts with pacing perceptual; needed: at least 3, since each "
            "prompt keeps its frame.",
        ),
        (
            ("frames: 9", "frames: 10001"),
            "",
            "4:49: animation.frames: 10001 frames with pacing perceptual; allowed: up to 10000.",
        ),
        (
            ("}", ", easing: ease_in}"),
            "",
            "4:80: animation.easing: found 'ease_in' with pacing perceptual; allowed: linear, since the pacing sets "
            "the timing.",
        ),
        (
            ("}", ", noise: {mode: per_frame}}"),
            "",
            "4:88: animation.noise.mode: found 'per_frame' with pacing perceptual; allowed: fixed, keyframes; with "
            "per-frame noise, every frame differs from all others.",
        ),
        (
            ("", ""),
            "render: {guidance_scale: {0: 1.0, 8: 7.0}}",
            "5:10: render.guidance_scale: keyframes with pacing perceptual; allowed: one value for all frames, "
            "since a pilot renders other frames.",
        ),
        (
            ("perceptual", "clip"),
            "analysis: {smoothness: true}",
            "4:60: animation.pacing: 'clip' without analysis.clip; needed: a CLIPModel as analysis.clip.pretrained; "
            "or pacing perceptual, which needs no model.",
        ),
        (
            ("perceptual", "clip"),
            "analysis: true",
            "4:60: animation.pacing: 'clip' without analysis.clip; needed: a CLIPModel as analysis.clip.pretrained; "
            "or pacing perceptual, which needs no model.",
        ),
        (
            ("perceptual", "even"),
            "",
            "4:60: animation.pacing: found 'even'; allowed: uniform, perceptual, clip.",
        ),
    ],
)
def test_fields_that_prevent_a_pilot_are_reported(
    problems, change: tuple[str, str], more: str, line: str
) -> None:
    [found] = problems(HEAD + VALID.replace(*change, 1) + more)
    assert found == f"doggo.yaml:{line}"


def test_only_interpolations_have_a_pacing(problems) -> None:
    [found] = problems(HEAD + "animation: {kind: walk, prompt: a, frames: 9, pacing: perceptual}")
    assert found == (
        "doggo.yaml:4:47: animation.pacing: unknown key; animation takes kind, prompt, frames, step_size, direction, "
        "noise."
    )
