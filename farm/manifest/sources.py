"""Sources of weights: hub ids at a commit, local folders and files, shipped checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from farm.manifest.fields import Section, Text, not_allowed
from farm.manifest.location import FieldPath

_PRETRAINED = "a hub id, a local folder or .safetensors file, or the name of a shipped checkpoint"
PICKLED = (".ckpt", ".bin", ".pt", ".pth")


def is_hub_id(pretrained: str) -> bool:
    """Return whether a name has the form of a Hugging Face hub id, `org/name`, not of a path or shipped name."""
    return re.fullmatch(
        r"[\w-][\w.-]*/[\w-][\w.-]*", pretrained, re.ASCII
    ) is not None and not pretrained.endswith(".safetensors")


def _refuse_urls_and_pickles(pretrained: str) -> str:
    if "://" in pretrained:
        raise not_allowed(f"{_PRETRAINED}; not a URL")
    if pretrained.lower().endswith(PICKLED):
        allowed = "safetensors weights only, since loading a pickle can run any code"
        raise not_allowed(allowed, hint="Convert it to .safetensors.")
    return pretrained


Pretrained = Annotated[
    str,
    Text(1000, least=1, words=_PRETRAINED),
    AfterValidator(_refuse_urls_and_pickles),
    Field(json_schema_extra={"not": {"pattern": r"://|\.(ckpt|bin|pt|pth)$"}}),
]

_COMMIT = "a full commit of 40 hexadecimal digits, since a branch or tag can move"
_FIND_COMMIT = "The repository's page lists its commits under 'Files and versions'."
Commit = Annotated[str, Text(40, pattern=r"^[0-9a-f]{40}$", words=_COMMIT, hint=_FIND_COMMIT)]

Variant = Annotated[str, Text(100, pattern=r"^[\w.-]+$", words="the name of a variant, such as fp16")]

WeightName = Annotated[str, Text(1000, least=1, words="the name of a file")]


class Source(Section):
    """Weights in addition to the model's own."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder or a `.safetensors` file."""

    revision: Commit | None = None
    """The full commit of a hub id."""


SINGLE_SOURCES = ("config", "refiner")
"""Fields of `model` with a single source."""

SOURCE_LISTS = ("controlnets", "ip_adapters", "textual_inversions", "loras")
"""Fields of `model` with a list of sources."""

SCORING_MODELS = ("clip", "classifier")
"""Fields of `analysis` with a source."""


def written_sources(model: Mapping[Any, Any]) -> Iterator[tuple[FieldPath, Any]]:
    """Yield every source in the plain data of a `model` section, with its path in that section."""
    yield (), model
    yield from (((field,), model[field]) for field in SINGLE_SOURCES if field in model)
    for field in SOURCE_LISTS:
        sources = model.get(field)
        if isinstance(sources, list):
            yield from (((field, number), source) for number, source in enumerate(sources))
