"""No field accepts an invalid or useless number."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import ManifestError
from farm.manifest import json_schema
from farm.manifest.yaml_reader import plain_scalar
from farm.rules.load import parse

MODEL = """
version: 1
name: job
seed: 1
model:
  pipeline: StableDiffusionPipeline
  pretrained: tiny-world
  scheduler: {class: DDIMScheduler, config: {beta_start: 0.1, trained_betas: [0.1]}}
  loras: [{pretrained: ./x, scale: 1}, {pretrained: ./x, scale: {0: 1}}]
render: {num_inference_steps: 5, guidance_scale: {0: 1.5}, height: 64, width: 64, batch_size: 2, eta: 0.5,
  guidance_rescale: {0: 0.5}, clip_skip: 1}
output: {gif: {fps: 10, colors: 9, scale: 1}, mp4: {fps: 10, crf: 9},
  contact_sheet: {columns: 2, max_frames: 9, thumbnail: 64}}
analysis: {classifier: {pretrained: ./k, top_k: 3}}
"""
KINDS = [
    "{kind: interpolate, prompts: [a, b], alphas: [0, 1], noise: {mode: keyframes, seeds: [1, 2]}}",
    "{kind: interpolate, prompts: {0: a, 4: b}, frames: 5}",
    "{kind: grid, prompts: [a, b, c, d], rows: 2, columns: 2, frames: 4}",
    "{kind: walk, prompt: a, frames: 5, step_size: 0.1}",
    "{kind: circle, prompt: a, frames: 5, noise: {seeds: [1, 2]}}",
    "{kind: stills, prompts: [a], seeds: [1], num_images_per_prompt: 1}",
    "{kind: sweep, prompt: a, over: {num_inference_steps: [1], guidance_scale: [1], eta: [1]}}",
    "{kind: sweep, prompt: a, over: {guidance_rescale: [1]}}",
]
PIPELINES = [
    """
model: {pipeline: StableDiffusionXLPipeline, pretrained: tiny, refiner: {pretrained: ./r}}
render: {denoising_end: 0.8, aesthetic_score: 6, negative_aesthetic_score: 2, original_size: [64, 64],
  target_size: [64, 64], crops_coords_top_left: [1, 1], negative_original_size: [64, 64],
  negative_target_size: [64, 64], negative_crops_coords_top_left: [1, 1]}
animation: {kind: circle, prompt: a, frames: 5}
""",
    """
model:
  pipeline: StableDiffusionControlNetInpaintPipeline
  pretrained: tiny
  controlnets: [{pretrained: ./n}]
  ip_adapters: [{pretrained: ./i, weight_name: i.safetensors, scale: 1}]
render: {image: a.png, control_image: {file: b.png, canny: {low_threshold: 1, high_threshold: 2}},
  ip_adapter_image: c.png, expand: {left: 8, right: 8, top: 8, bottom: 8}, strength: 0.5, padding_mask_crop: 8,
  controlnet_conditioning_scale: [1], control_guidance_start: [0], control_guidance_end: [1]}
animation: {kind: circle, prompt: a, frames: 5}
""",
    """
model: {pipeline: LatentConsistencyModelImg2ImgPipeline, pretrained: tiny}
render: {image: a.png, original_inference_steps: 50}
animation: {kind: sweep, prompt: a, over: {strength: [0.5]}}
""",
    """
model: {pipeline: FluxPipeline, pretrained: tiny}
render: {true_cfg_scale: 1, max_sequence_length: 64}
animation: {kind: sweep, prompt: a, over: {true_cfg_scale: [1]}}
""",
]
NUMBERS = [".nan", ".inf", "-.inf", "1e999", "-1e999", "9" * 400, "-" + "9" * 39, "1:30", "0b1", "1_000"]

Path_ = tuple[str | int, ...]


def numbers(value: object, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the place of every number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from numbers(inner, (*path, position))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def field(path: Path_) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]


def places(text: str) -> list[str]:
    written = parse(text, Path("m.yaml")).manifest.model_dump(by_alias=True, exclude_unset=True)
    return [field(path) for path in numbers(written)]


TEXTS = [f"{MODEL}animation: {kind}" for kind in KINDS]
PLACES = [(text, place) for number, text in enumerate(TEXTS) for place in places(text)
          if not number or place.startswith("animation.")]  # fmt: skip
OF_PIPELINES = [f"version: 1\nname: job{text}" for text in PIPELINES]
PLACES += [(text, place) for text in OF_PIPELINES for place in places(text)]


def numeric(schema: object) -> bool:
    if isinstance(schema, dict):
        known = schema.get("type") in ("integer", "number") or isinstance(schema.get("const"), int)
        inner = [
            value
            for key, value in schema.items()
            if key in ("anyOf", "items", "oneOf", "additionalProperties")
        ]
        return known or any(map(numeric, inner))
    return isinstance(schema, list) and any(map(numeric, schema))


def test_the_tested_numbers_are_all_numbers_of_the_schema():
    sections = [json_schema(), *json_schema()["$defs"].values()]
    known = {
        name
        for section in sections
        for name, value in section.get("properties", {}).items()
        if numeric(value)
    }
    tried = {part for _, place in PLACES for part in place.replace("]", "").replace("[", ".").split(".")}
    assert known - tried == set()
    assert len(known) > 20


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:8])
def test_every_field_refuses_invalid_and_excessive_numbers(number):
    for text, place in PLACES:
        setting = ".config." in place  # which may be a text, and is reported completely
        if setting and isinstance(plain_scalar(number), str):
            continue
        with pytest.raises(ManifestError) as refused:
            parse(text, Path("m.yaml"), [f"{place}={number}"])
        field_path = place.removesuffix("[0]") if setting else place
        assert f": {field_path}: found " in str(refused.value), place


@pytest.mark.parametrize(
    "place", ["animation.step_size", "model.loras[0].scale", "model.scheduler.config.beta_start"]
)
def test_no_accepted_number_overflows_in_arithmetic(place):
    with pytest.raises(ManifestError, match=r"found -1e\+308; allowed: "):
        parse(TEXTS[3], Path("m.yaml"), [f"{place}=-1e308"])


@pytest.mark.parametrize("value", [True, "5", [5], {"a": 5}], ids=json.dumps)
def test_every_field_refuses_values_that_only_look_like_numbers(value):
    for text, place in PLACES:
        if ".config." not in place:
            with pytest.raises(ManifestError):
                parse(text, Path("m.yaml"), [f"{place}={json.dumps(value)}"])
