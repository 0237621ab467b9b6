from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.results.compare import require_comparable, setting_differences
from farm.results.compare_frames import ChangedSetting, format_setting
from farm.rules.load import parse

MANIFEST = """\
version: 1
name: a
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world{model}}}
animation: {{kind: interpolate, prompts: {prompts}, frames: {frames}}}
render: {{num_inference_steps: {steps}}}
"""


def manifest(*, model="", prompts="[a, b]", frames=9, steps=25, also=""):
    text = MANIFEST.format(model=model, prompts=prompts, frames=frames, steps=steps) + also
    return parse(text, Path("a.yaml")).manifest


def test_a_manifest_does_not_differ_from_itself():
    assert setting_differences(manifest(), manifest()) == ()


def test_sections_that_change_no_frame_are_ignored():
    also = "description: other\noutput: {gif: {fps: 3}}\nanalysis: true\n"
    assert setting_differences(manifest(), manifest(also=also)) == ()


def test_a_setting_is_named_by_its_dotted_field():
    assert setting_differences(manifest(steps=4), manifest(steps=25)) == (
        ChangedSetting(field="render.num_inference_steps", first=4, second=25),
    )


def test_a_section_in_only_one_manifest_is_listed_by_its_settings():
    lcm = ", scheduler: {class: LCMScheduler}, loras: [{pretrained: tiny-world-lcm-lora}]"
    assert setting_differences(manifest(), manifest(model=lcm)) == (
        ChangedSetting(field="model.scheduler.class", first=None, second="LCMScheduler"),
        ChangedSetting(field="model.loras.0.pretrained", first=None, second="tiny-world-lcm-lora"),
        ChangedSetting(field="model.loras.0.scale", first=None, second=1.0),
    )


def test_a_scheduler_is_compared_by_its_settings():
    one, other = (
        manifest(model=f", scheduler: {{class: DDIMScheduler, config: {{timestep_spacing: {spacing}}}}}")
        for spacing in ("leading", "trailing")
    )
    [setting] = setting_differences(one, other)
    assert (setting.field.rpartition(".")[2], setting.first, setting.second) == (
        "timestep_spacing",
        "leading",
        "trailing",
    )


def test_a_number_and_a_map_of_keyframes_differ_as_values():
    moving = manifest(steps="25, guidance_scale: {0: 3.0, 8: 9.0}")
    assert setting_differences(manifest(steps="25, guidance_scale: 5.0"), moving) == (
        ChangedSetting(field="render.guidance_scale", first=5.0, second={"0": 3.0, "8": 9.0}),
    )


def refusal(one, other):
    with pytest.raises(UsageError) as raised:
        require_comparable(("one", "other"), one, other)
    return str(raised.value)


def test_jobs_with_other_prompts_and_frame_counts_are_refused_with_all_differences():
    assert refusal(manifest(), manifest(prompts="[a, c, d]", frames=12)) == (
        "one and other: cannot be compared frame by frame: one has 9 frames, other has 12; one has 2 prompts, other "
        "has 3 prompts. Compare jobs with equal prompts and frame count, such as one manifest rendered with "
        "different --set options."
    )


def test_the_first_prompt_that_differs_is_named():
    assert "prompt 2 is 'b' in one and 'c' in other. " in refusal(manifest(), manifest(prompts="[a, c]"))
    assert "prompt 1 is 'a' in one and 'b' in other (and 1 more differ). " in refusal(
        manifest(), manifest(prompts="[b, a]")
    )


def test_jobs_that_differ_only_in_settings_are_comparable():
    require_comparable(("one", "other"), manifest(steps=4), manifest(steps=25))


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "-"), (5.0, "5"), (7.25, "7.25"), (True, "true"), ("DDIM", "DDIM"), ([1, 2], "[1, 2]")],
)
def test_values_are_formatted_as_in_a_manifest(value, words):
    assert format_setting(value, 10) == words


def test_a_long_value_is_cut():
    assert format_setting("a" * 11, 10) == "aaaaaaa..."
    assert format_setting("a" * 10, 10) == "a" * 10
