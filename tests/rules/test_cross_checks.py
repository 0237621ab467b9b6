from __future__ import annotations

from pathlib import Path

import pytest

from farm.rules.load import parse


def _text(valid: str, animation: str, more: str = "") -> str:
    return f"{valid[: valid.index('animation:')]}animation: {animation}\n{more}\n"


@pytest.mark.parametrize(
    ("animation", "messages"),
    [
        (
            "{kind: interpolate, prompts: {3: a, 12: b}, frames: 10}",
            [
                "prompts[12]: frame 12 of an animation of 10 frames; allowed: frames from 0 to 9.",
            ],
        ),
        (
            "{kind: interpolate, prompts: {0: a, 9: b}, frames: 10, alphas: [0, 1]}",
            [
                "frames: 10 frames with 2 alphas; allowed: 2, or nothing.",
                "alphas: alphas with a map of prompts; allowed: alphas with a list of prompts.",
            ],
        ),
        (
            "{kind: interpolate, prompts: [a, b], alphas: [0, 1], easing: ease_in}",
            ["easing: found 'ease_in' with alphas; allowed: linear, since alphas already set the timing."],
        ),
        (
            "{kind: interpolate, prompts: [a, b], frames: 3, noise: {seeds: [1, 2]}}",
            ["noise.seeds: seeds with mode fixed; allowed: seeds with mode keyframes."],
        ),
        (
            "{kind: interpolate, prompts: [a, b], frames: 3, noise: {mode: keyframes, seeds: [1, 2, 3]}}",
            ["noise.seeds: 3 seeds for 2 prompts; allowed: 2, one per prompt."],
        ),
        (
            "{kind: grid, prompts: [a, b, c, d], rows: 2, columns: 3, frames: 7}",
            ["frames: 7 frames in a grid of 2 x 3; allowed: 6, or nothing."],
        ),
        (
            "{kind: stills, prompts: [a], seeds: [1, 2], num_images_per_prompt: 3}",
            ["num_images_per_prompt: 3 images per prompt with 2 seeds; allowed: 2, or nothing."],
        ),
        (
            "{kind: sweep, prompt: a, over: {eta: [0], guidance_scale: [1], num_inference_steps: [1], "
            "scheduler: [DDIMScheduler]}}",
            ["over: found a map of 4; allowed: 1 to 3 call arguments, each with a list of values."],
        ),
    ],
)
def test_fields_of_an_animation_agree(problems, valid: str, animation: str, messages: list[str]) -> None:
    lines = problems(_text(valid, animation))
    assert sorted(line.split(": animation.", 1)[1] for line in lines) == sorted(messages)


@pytest.mark.parametrize(
    "animation",
    [
        "{kind: interpolate, prompts: [a, b], alphas: [0, 2]}",
        "{kind: interpolate, prompts: [a, b], frames: 3, noise: {mode: wild, seeds: [1, 2]}}",
        "{kind: sweep, prompt: a, over: {eta: [5]}}",
    ],
)
def test_a_wrong_value_is_reported_only_once(problems, valid: str, animation: str) -> None:
    assert len(problems(_text(valid, animation, "render: {guidance_scale: {0: 1}}"))) == 1


@pytest.mark.parametrize(
    ("animation", "frames"),
    [
        ("{kind: interpolate, prompts: [a, b], frames: 3}", 3),
        ("{kind: interpolate, prompts: {2: b, 0: a}, frames: 3}", 3),
        ("{kind: interpolate, prompts: [a, b], alphas: [0, 0.2, 1, 0.5]}", 4),
        ("{kind: grid, prompts: [a, b, c, d], rows: 2, columns: 3}", 6),
        ("{kind: walk, prompt: a, frames: 5}", 5),
        ("{kind: circle, prompt: a, frames: 5, noise: {seeds: [1, 2]}}", 5),
        ("{kind: stills, prompts: [a, b]}", 2),
        ("{kind: stills, prompts: [a, b], num_images_per_prompt: 3}", 6),
        ("{kind: stills, prompts: [a, b], seeds: [1, 2, 3]}", 6),
        ("{kind: sweep, prompt: a, over: {scheduler: [DDIMScheduler, PNDMScheduler], eta: [0, 0.5, 1]}}", 6),
    ],
)
def test_keyframes_are_limited_to_the_number_of_frames_of_every_kind(
    problems, valid: str, animation: str, frames: int
) -> None:
    last = f"render: {{guidance_scale: {{{frames - 1}: 3}}}}"
    document = parse(_text(valid, animation, last), Path("doggo.yaml"))
    assert document.manifest.animation.frame_count == frames
    beyond = f"render: {{guidance_scale: {{0: 1, {frames}: 3}}}}"
    assert problems(_text(valid, animation, beyond)) == [
        f"doggo.yaml:7:33: render.guidance_scale[{frames}]: frame {frames} of an animation of {frames} frames; "
        f"allowed: frames from 0 to {frames - 1}."
    ]


def test_a_lora_from_the_hub_needs_a_commit_too(problems, valid: str) -> None:
    text = valid.replace("animation:", "  loras: [{pretrained: ./here}, {pretrained: a/b}]\nanimation:")
    assert problems(text) == [
        "doggo.yaml:6:33: model.loras[1].revision: missing; needed: the full commit of a/b, since pictures would "
        "change with a branch. Take one from https://huggingface.co/a/b/commits/main."
    ]


@pytest.mark.parametrize(
    "pretrained", ["./a/b", "../a/b", "/a/b", "~/a/b", "tiny-world", "a/b/c", "a/b.safetensors"]
)
def test_paths_and_shipped_names_need_no_commit(valid: str, pretrained: str) -> None:
    config = "\n  config: {pretrained: ./c}" if pretrained.endswith(".safetensors") else ""
    parse(valid.replace("tiny-world", f"{pretrained}{config}"), Path("doggo.yaml"))


def test_the_axes_of_a_sweep_keep_the_order_of_the_file(valid: str) -> None:
    text = _text(valid, "{kind: sweep, prompt: a, over: {scheduler: [DDIMScheduler], eta: [0, 1]}}")
    manifest = parse(text, Path("doggo.yaml")).manifest
    assert list(manifest.animation.over) == ["scheduler", "eta"]  # type: ignore[union-attr]
