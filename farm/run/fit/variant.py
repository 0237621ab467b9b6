"""Whether there are weights of the variant that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from farm.manifest.findings import Finding, did_you_mean
from farm.manifest.location import FieldPath
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.checkpoint_contents import contents_of

_WEIGHTS = re.compile(r"\w+?(?:-\d{5}-of-\d{5})?\.([\w-]+?)(?:-\d{5}-of-\d{5})?\.safetensors", re.ASCII)
"""`model.fp16.safetensors`, whole or in shards."""


def variant_findings(spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield every variant of which a folder holds no file; a repository of the hub may hold more than is here."""
    for field, source, subfolder, variant in _asked(spec):
        place = contents_of(source)
        if variant is None or source.kind == "hub" or place is None or not place.is_dir():
            continue
        there = sorted(set(_variants(place / subfolder)))
        if variant not in there:
            yield Finding(
                path=(*field, "variant"),
                found=f"there are no files of the variant {variant} in {source.pretrained}",
                allowed=f"allowed: {', '.join([*there, 'null'])}",
                hint=did_you_mean(variant, there),
            )


def _asked(spec: DiffusersSpec) -> Iterator[tuple[FieldPath, ModelSource, str, str | None]]:
    yield ("model",), spec.source, "", spec.variant
    if spec.refiner is not None:
        yield ("model", "refiner"), spec.refiner.source, "", spec.refiner.variant
    for number, net in enumerate(spec.controlnets):
        yield ("model", "controlnets", number), net.source, net.subfolder, net.variant


def _variants(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.safetensors"):
        if match := _WEIGHTS.fullmatch(file.name):
            yield match[1]
