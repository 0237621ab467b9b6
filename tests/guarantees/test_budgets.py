"""The cost of small inputs: refusals name their limit, and honest jobs stay below it."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from farm.errors import FarmError, ManifestError, StorageError
from farm.inputs.pictures.decode import probe_file
from farm.rules.load import parse
from farm.run import prepare
from tests.guarantees.refusal import MANIFEST

HEAD = "version: 1\nname: job\nmodel: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}\n"
WALK = f"{HEAD}animation: {{kind: walk, prompt: a, frames: 1}}\n"


def refused(text, path):
    with pytest.raises(ManifestError) as caught:
        parse(text, path)
    return caught.value.problems


def prepared(tmp_path, **changed):
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps({**MANIFEST, **changed}))
    return prepare(path, output_dir=str(tmp_path), procedural=True)


def test_characters_count_once_per_use_of_their_alias(tmp_path):
    text = f"{HEAD}animation: {{kind: stills, prompts: [&a {'x' * 9000}, {', '.join(['*a'] * 500)}]}}\n"
    [problem] = refused(text, tmp_path)
    assert str(problem) == (
        f"{tmp_path}:4:36: more than 4000000 characters with all aliases expanded; allowed: up to 4000000."
    )


@pytest.mark.timeout(120)
def test_a_thousand_of_ninety_thousand_unknown_keys_are_reported(tmp_path):
    keys = ", ".join(f"stepz{number}: 1" for number in range(90_000))
    problems = refused(f"{WALK}render: {{{keys}}}\n", tmp_path)
    assert len(problems) == 1000
    assert problems[0].found.startswith("unknown key")
    assert problems[-1].found == "89001 more mistakes from here on"


def test_a_long_key_is_shortened(tmp_path):
    [problem] = refused(f"{WALK}? {'k' * 100_000}\n: 1\n", tmp_path)
    assert problem.path == f"{'k' * 117}..."


def weighted(prompts, **more):
    return {
        "animation": {"kind": "stills", "prompts": prompts},
        "render": {"prompt_syntax": "compel", "height": 16, "width": 16},
        **more,
    }


@pytest.mark.timeout(60)
def test_ten_thousand_weighted_prompts_are_prepared(tmp_path):
    prompts = [f"a (red)1.5 star++ number {number}" for number in range(10_000)]
    assert prepared(tmp_path, **weighted(prompts)).plan.frame_count == 10_000


def test_blended_prompts_share_a_limit(tmp_path):
    prompts = [f'("{number} {"x" * 9000}", "b").blend(1, 1)' for number in range(12)]
    with pytest.raises(ManifestError) as caught:
        prepared(tmp_path, **weighted(prompts))
    [problem] = caught.value.problems
    assert (problem.path, problem.found, problem.allowed) == (
        "animation.prompts[11]",
        "more than 100000 characters of prompts with .blend() or .and(), up to here",
        "allowed: up to 100000 in a manifest",
    )


def animated(path, size, count=2):
    pictures = [Image.new("L", size, 20 * number) for number in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def test_a_large_animated_picture_is_refused(tmp_path):
    path = animated(tmp_path / "film.gif", (4104, 4096))
    with pytest.raises(StorageError) as caught:
        probe_file(path, max_frames=2)
    assert str(caught.value) == (
        f"{path} cannot be read: its pictures have 4104x4096 pixels; those of a video or animation have up to "
        "16777216, such as 4096x4096"
    )


def test_a_video_has_a_limit_of_decoded_pixels(tmp_path):
    path = animated(tmp_path / "film.gif", (64, 64), count=10)
    assert probe_file(path, max_frames=10, max_pixels=10 * 64 * 64).count == 10
    with pytest.raises(
        StorageError, match=r": more than 36864 pixels to decode, in pictures of 64x64; scale it down"
    ):
        probe_file(path, max_frames=10, max_pixels=9 * 64 * 64)
    assert probe_file(path, max_frames=9, max_pixels=9 * 64 * 64).count == 9


def why_refused(folder, **changed):
    """Return why a manifest is refused; empty if it is not."""
    try:
        prepared(folder, **changed)
    except FarmError as error:
        return str(error)
    return ""


NAMES = st.text(max_size=20) | st.sampled_from(
    ["a\0b", "\ud800", "x" * 300, "~nobody/a.png", "%99999d.png", "[", "*", "/dev/zero", ".", "a/%d%d.png"]
)


@settings(max_examples=40, deadline=None)
@given(NAMES)
@example("a/" * 400)
@example("x" * 300 + "/%04d.png")
def test_any_picture_name_is_found_or_reported(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "named"
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / "a.png")
    model = {"pipeline": "StableDiffusionImg2ImgPipeline", "pretrained": "tiny-world"}
    assert "unexpected error" not in why_refused(folder, model=model, render={"image": name})


WORDS = [
    "1e400",
    "9" * 5000,
    ".inf",
    "2024-01-01",
    "!!binary x",
    "\x00",
    "\ud800",
    "x" * 300,
    "~root",
    "a" + "+" * 90,
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*WORDS, '("a").blend()'])
PLACES = st.sampled_from(
    [
        *("seed", "name", "description", "model.pretrained", "model.scheduler", "model.scheduler.config"),
        *("animation.prompts", "animation.frames", "animation.alphas", "animation.noise", "animation.pacing"),
        *(
            "render.height",
            "render.prompt_syntax",
            "render.negative_prompt",
            "render.guidance_scale",
            "render.eta",
        ),
        *(
            "output.gif",
            "output.gif.scale",
            "output.contact_sheet",
            "analysis",
            "analysis.clip",
            "model.loras",
        ),
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(PLACES, VALUES, min_size=1, max_size=3))
def test_any_manifest_is_prepared_or_refused(tmp_path_factory, changes):
    manifest = json.loads(json.dumps(MANIFEST))
    for place, value in changes.items():
        *sections, field = place.split(".")
        inner = manifest
        for section in sections:
            inner[section] = inner[section] if isinstance(inner.get(section), dict) else {}
            inner = inner[section]
        inner[field] = value
    assert "unexpected error" not in why_refused(tmp_path_factory.getbasetemp(), **manifest)
