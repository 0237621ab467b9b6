from __future__ import annotations

import pytest

from farm.manifest.pipelines import PIPELINES
from farm.manifest.render import Render

RENDER_TAKES = (
    "num_inference_steps, guidance_scale, true_cfg_scale, negative_prompt, prompt_syntax, image, mask_image, "
    f"control_image, depth_map, ip_adapter_image and {len(Render.model_fields) - 10} more, listed by farm schema"
)


def test_a_near_match_of_a_key_is_suggested(problems) -> None:
    assert problems(change="output: {gif: {rubberband: true}}\n") == [
        "doggo.yaml:10:16: output.gif.rubberband: unknown key (did you mean 'rubber_band'?); gif takes fps, "
        "rubber_band, loop, colors, palette, dither, scale."
    ]


def test_a_misspelt_required_key_is_also_missing(problems, valid: str) -> None:
    assert problems(valid.replace("frames:", "frame:")) == [
        "doggo.yaml:6:1: animation.frames: missing; needed: a whole number from 1 to 10000000, or alphas.",
        "doggo.yaml:9:3: animation.frame: unknown key (did you mean 'frames'?); animation takes kind, prompts, "
        "alphas, frames, pacing, interpolation, easing, noise.",
    ]


def test_an_unknown_top_level_key_is_reported_with_the_known_ones(problems) -> None:
    assert problems(change="colour: red\n") == [
        "doggo.yaml:10:1: colour: unknown key; a manifest takes version, name, description, seed, model, "
        "animation, render, output, analysis."
    ]


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("guidance_scal", "'guidance_scale'"),
        ("steps", "'num_inference_steps'"),
        ("cfg", "'guidance_scale'"),
        ("cfg_scale", "'guidance_scale'"),
        ("prompt", "'animation.prompt' or 'animation.prompts', by its kind"),
        ("sampler", "'model.scheduler'"),
        ("n_iter", "'animation.num_images_per_prompt' with kind: stills"),
        ("num_images_per_prompt", "'animation.num_images_per_prompt' with kind: stills"),
    ],
)
def test_the_probable_key_precedes_a_shortened_list_of_keys(problems, key: str, suggestion: str) -> None:
    assert problems(change=f"render: {{{key}: 3}}\n") == [
        f"doggo.yaml:10:10: render.{key}: unknown key (did you mean {suggestion}?); render takes {RENDER_TAKES}."
    ]


def test_names_from_other_programs_are_only_suggested_in_their_section(problems) -> None:
    assert problems(change="output: {mp4: {sampler: 3}}\n") == [
        "doggo.yaml:10:16: output.mp4.sampler: unknown key; mp4 takes fps, crf, preset."
    ]


def test_a_number_is_no_key_of_a_section(problems) -> None:
    assert problems(change="output: {mp4: {5: 1}}\n") == [
        "doggo.yaml:10:16: output.mp4[5]: unknown key; mp4 takes fps, crf, preset."
    ]


@pytest.mark.parametrize(
    ("word", "suggestion"), [("no", "false"), ("Yes", "true"), ("on", "true"), ("off", "false")]
)
def test_a_yaml_1_1_boolean_is_reported_with_its_replacement(problems, word: str, suggestion: str) -> None:
    assert problems(change=f"output: {{gif: {{loop: {word}}}}}\n") == [
        f"doggo.yaml:10:16: output.gif.loop: found '{word}'; allowed: true or false. "
        f"Write {suggestion}: YAML 1.2 reads '{word}' as text."
    ]


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_numbers_are_finite(problems, value: str) -> None:
    assert problems(change=f"render: {{guidance_scale: {value}}}\n") == [
        f"doggo.yaml:10:10: render.guidance_scale: found {value}; allowed: a number of at least 0."
    ]


def test_a_number_too_large_for_a_float_is_not_finite(problems) -> None:
    assert problems(change="model: {}\nrender: {guidance_scale: 1e999}\n")[-1] == (
        "doggo.yaml:11:10: render.guidance_scale: found .inf; allowed: a number of at least 0."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "seed: '12'",
            "seed: found '12'; allowed: a whole number from 0 to 9223372036854775807. Remove the quotes.",
        ),
        ("seed: true", "seed: found true; allowed: a whole number from 0 to 9223372036854775807."),
        ("seed: 1.0", "seed: found 1.0; allowed: a whole number from 0 to 9223372036854775807."),
        ("seed: -1", "seed: found -1; allowed: a whole number from 0 to 9223372036854775807."),
        (
            "description: 12",
            "description: found 12; allowed: text of at most 10000 characters. Put it in quotes.",
        ),
        ("render: []", "render: found an empty list; allowed: a map."),
        ("render: {height: 500}", "render.height: found 500; allowed: a multiple of 8 from 8 to 8192."),
        ("output: {gif: {fps: 0}}", "output.gif.fps: found 0; allowed: a number from 0.01 to 50."),
        ("output: {gif: 5}", "output.gif: found 5; allowed: a map."),
        (
            "output: {mp4: {preset: slwo}}",
            "output.mp4.preset: found 'slwo' (did you mean 'slow'?); allowed: ultrafast, superfast, veryfast, "
            "faster, fast, medium, slow, slower, veryslow, placebo.",
        ),
        ("render: {eta: high}", "render.eta: found 'high'; allowed: a number, or a map of frame to number."),
        ("render: {eta: {0: 2}}", "render.eta[0]: found 2; allowed: a number from 0 to 1."),
        ("render: {eta: {a: 1}}", "render.eta.a: found 'a'; allowed: a whole number from 0 to 9999999."),
        ("render: {eta: {}}", "render.eta: found an empty map; allowed: at least 1."),
    ],
)
def test_an_invalid_value_is_reported_with_the_allowed_ones(problems, change: str, message: str) -> None:
    assert [line.split(": ", 1)[1] for line in problems(change=f"{change}\n")] == [message]


def _model(valid: str, **fields: str) -> str:
    text = valid.replace("  pretrained: tiny-world\n", "")
    lines = "".join(f"  {key}: {value}\n" for key, value in {"pretrained": "tiny-world", **fields}.items())
    return text.replace("model:\n", f"model:\n{lines}")


def test_a_branch_is_no_revision(problems, valid: str) -> None:
    assert problems(_model(valid, pretrained="a/b", revision="main")) == [
        "doggo.yaml:5:3: model.revision: found 'main'; allowed: a full commit of 40 hexadecimal digits, since a "
        "branch or tag can move. The repository's page lists its commits under 'Files and versions'."
    ]


def test_a_pickle_is_refused_with_the_reason(problems, valid: str) -> None:
    assert problems(_model(valid, pretrained="models/dogs.CKPT")) == [
        "doggo.yaml:4:3: model.pretrained: found 'models/dogs.CKPT'; allowed: safetensors weights only, since "
        "loading a pickle can run any code. Convert it to .safetensors."
    ]


def test_a_url_is_refused(problems, valid: str) -> None:
    assert problems(_model(valid, pretrained="https://huggingface.co/a/b")) == [
        "doggo.yaml:4:3: model.pretrained: found 'https://huggingface.co/a/b'; allowed: a hub id, a local folder or "
        ".safetensors file, or the name of a shipped checkpoint; not a URL."
    ]


def test_an_unknown_pipeline_is_reported_with_the_supported_ones(problems, valid: str) -> None:
    assert problems(valid.replace("StableDiffusion", "StableDifusion")) == [
        "doggo.yaml:4:3: model.pipeline: found 'StableDifusionPipeline' (did you mean 'StableDiffusionPipeline'?); "
        f"allowed: one of the diffusers pipelines that the farm supports: {', '.join(PIPELINES)}."
    ]


def test_a_near_match_of_a_scheduler_is_suggested(problems, valid: str) -> None:
    assert problems(_model(valid, scheduler="{class: DDIMSheduler}")) == [
        "doggo.yaml:5:15: model.scheduler.class: found 'DDIMSheduler' (did you mean 'DDIMScheduler'?); allowed: a "
        "diffusers scheduler that the farm supports, such as DDIMScheduler."
    ]


def test_the_config_of_a_scheduler_contains_scalars_and_lists(problems, valid: str) -> None:
    assert problems(
        _model(valid, scheduler="{class: DDIMScheduler, config: {a: {b: 1}, c: [1, x], d: [.nan]}}")
    ) == [
        "doggo.yaml:5:46: model.scheduler.config.a: found a map of 1; allowed: text, a finite number, true, false, "
        "null, or a list of these.",
        "doggo.yaml:5:68: model.scheduler.config.d: found a list of 1; allowed: text, a finite number, true, false, "
        "null, or a list of these.",
    ]


NAME = "allowed: 1 to 100 letters, digits, '.', '_' or '-', not beginning or ending with '.'."
KINDS = "interpolate, grid, walk, circle, stills, sweep."
PROMPTS = "prompts: [a dog, a bowl of fruit]"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: doggo", "name: .doggo", f"name: found '.doggo'; {NAME}"),
        ("name: doggo", "name: 'a/b'", f"name: found 'a/b'; {NAME}"),
        ("name: doggo\n", "", "name: missing; needed: name of the output folder."),
        ("version: 1", "version: 2", "version: found 2; allowed: 1, the only version."),
        (
            "kind: interpolate",
            "kind: interpolat",
            f"animation.kind: found 'interpolat' (did you mean 'interpolate'?); allowed: {KINDS}",
        ),
        ("  kind: interpolate\n", "", f"animation.kind: missing; needed: {KINDS}"),
        (
            PROMPTS,
            "prompts: a dog",
            "animation.prompts: found 'a dog'; allowed: a list of prompts, or a map of frame to prompt.",
        ),
        (
            PROMPTS,
            "prompts: [a dog, 7]",
            "animation.prompts[1]: found 7; allowed: text of at most 10000 characters. Put it in quotes.",
        ),
        ("frames: 10", "frames: 0", "animation.frames: found 0; allowed: a whole number from 1 to 10000000."),
        (
            "frames: 10",
            "frames: 10\n  noise: {mode: keyframe}",
            "animation.noise.mode: found 'keyframe' (did you mean 'keyframes'?); allowed: fixed, per_frame, "
            "keyframes.",
        ),
    ],
)
def test_the_required_fields_are_checked(problems, valid: str, old: str, new: str, message: str) -> None:
    assert [line.split(": ", 1)[1] for line in problems(valid.replace(old, new))] == [message]


def test_a_circle_has_no_fixed_noise(problems, valid: str) -> None:
    start = valid[: valid.index("animation:")]
    text = f"{start}animation: {{kind: circle, prompt: cows, frames: 4, noise: {{mode: fixed}}}}\n"
    assert problems(text) == ["doggo.yaml:6:60: animation.noise.mode: found 'fixed'; allowed: circle."]
