"""Changes of a renderer that change its digest, and changes that do not."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from farm.plan.compile import renderer_digest
from farm.records import (
    ControlNetSpec,
    DiffusersSpec,
    IpAdapterSpec,
    LoraSpec,
    MemorySpec,
    ModelSource,
    RefinerSpec,
    TextualInversionSpec,
)


def _source(fingerprint: str) -> ModelSource:
    return ModelSource(pretrained="a", kind="folder", location="/a", revision="", fingerprint=fingerprint)


SPEC = DiffusersSpec(
    pipeline="StableDiffusionXLPipeline",
    source=_source("weights"),
    variant=None,
    torch_dtype="float32",
    loras=(),
    determinism="strict",
)
IP_ADAPTER = IpAdapterSpec(
    source=_source("eye"), subfolder="", weight_name="a.safetensors", image_encoder_folder="b"
)
FACE = replace(IP_ADAPTER, weight_name="face.safetensors")
NETS = [ControlNetSpec(source=_source(name), subfolder="", variant=None) for name in ("edges", "depth")]
STYLES = [LoraSpec(source=_source(name), weight_name=None) for name in ("ink", "wood")]

OTHERS = [
    {"config": _source("config")},
    {"refiner": RefinerSpec(source=_source("refiner"), variant=None)},
    {"refiner": RefinerSpec(source=_source("refiner"), variant="fp16")},
    {"controlnets": (ControlNetSpec(source=_source("net"), subfolder="", variant=None),)},
    {"controlnets": (ControlNetSpec(source=_source("net"), subfolder="depth", variant=None),)},
    {"ip_adapters": (IP_ADAPTER,)},
    {"ip_adapters": (replace(IP_ADAPTER, subfolder="models"),)},
    {"ip_adapters": (replace(IP_ADAPTER, weight_name="b.safetensors"),)},
    {"ip_adapters": (replace(IP_ADAPTER, image_encoder_folder="c"),)},
    {"ip_adapters": (IP_ADAPTER, FACE)},
    {"ip_adapters": (FACE, IP_ADAPTER)},
    {"textual_inversions": (TextualInversionSpec(source=_source("word"), weight_name=None, token=None),)},
    {"textual_inversions": (TextualInversionSpec(source=_source("word"), weight_name=None, token="<a>"),)},
    {"loras": (LoraSpec(source=_source("lora"), weight_name=None),)},
    *({"loras": loras} for loras in permutations(STYLES)),
    *({"controlnets": nets} for nets in permutations(NETS)),
    {"memory": MemorySpec(vae_slicing=True)},
    {"memory": MemorySpec(vae_tiling=True)},
    {"memory": MemorySpec(attention="sliced")},
]


def test_every_setting_that_may_change_pixels_changes_the_digest() -> None:
    digests = {renderer_digest(replace(SPEC, **change)) for change in ({}, *OTHERS)}  # type: ignore[arg-type]
    assert len(digests) == 1 + len(OTHERS)


@pytest.mark.parametrize(
    "memory",
    [
        *(MemorySpec(offload=offload) for offload in ("model", "group", "sequential")),
        MemorySpec(release_text_encoders=True),
    ],
)
def test_offloading_does_not_change_the_digest(memory: MemorySpec) -> None:
    assert renderer_digest(replace(SPEC, memory=memory)) == renderer_digest(SPEC)


def test_the_location_of_weights_does_not_change_the_digest() -> None:
    moved = replace(SPEC, source=replace(SPEC.source, location="/b", pretrained="b"))
    assert renderer_digest(moved) == renderer_digest(SPEC)
