"""Where weights come from: hub ids at a commit, local folders and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from farm.manifest.fields import NOT_ALLOWED, Section, Text
from farm.manifest.location import FieldPath

PICKLED = (".ckpt", ".bin", ".pt", ".pth")


def is_hub_id(pretrained: str) -> bool:
    """Whether this reads as `org/name` of the Hugging Face hub, and not as a path or a shipped checkpoint."""
    return re.fullmatch(
        r"[\w-][\w.-]*/[\w-][\w.-]*", pretrained, re.ASCII
    ) is not None and not pretrained.endswith(".safetensors")


def _refuse_urls_and_pickles(pretrained: str) -> str:
    if "://" in pretrained:
        allowed = "a hub id, a local folder or .safetensors file, or a shipped checkpoint's name, not a URL"
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed})
    if pretrained.lower().endswith(PICKLED):
        allowed = "safetensors weights only: a pickle can run any code when it is loaded"
        hint = "Convert it to .safetensors."
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed, "hint": hint})
    return pretrained


Pretrained = Annotated[
    str,
    Text(
        1000, least=1, words="a hub id, a local folder or .safetensors file, or a shipped checkpoint's name"
    ),
    AfterValidator(_refuse_urls_and_pickles),
    Field(json_schema_extra={"not": {"pattern": r"://|\.(ckpt|bin|pt|pth)$"}}),
]

_COMMIT = "a full commit of 40 hexadecimal digits: a branch or tag moves, and the pictures with it"
_FIND_COMMIT = "The repository lists its commits under 'Files and versions'."
Commit = Annotated[str, Text(40, pattern=r"^[0-9a-f]{40}$", words=_COMMIT, hint=_FIND_COMMIT)]

Variant = Annotated[str, Text(100, pattern=r"^[\w.-]+$", words="a variant's name, such as fp16")]

WeightName = Annotated[str, Text(1000, least=1, words="a file's name")]


class Source(Section):
    """Weights that are laid beside or over the model's."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder or a `.safetensors` file."""

    revision: Commit | None = None
    """The full commit of a hub id."""


SINGLE_SOURCES = ("config", "refiner")
"""Fields of `model` that are a source."""

SOURCE_LISTS = ("controlnets", "ip_adapters", "textual_inversions", "loras")
"""Fields of `model` that list sources."""

SCORING_MODELS = ("clip", "classifier")
"""Fields of `analysis` that are a source."""


def written_sources(model: Mapping[Any, Any]) -> Iterator[tuple[FieldPath, Any]]:
    """Yields every source in a model's plain data, with its place in the model."""
    yield (), model
    yield from (((field,), model[field]) for field in SINGLE_SOURCES if field in model)
    for field in SOURCE_LISTS:
        sources = model.get(field)
        if isinstance(sources, list):
            yield from (((field, number), source) for number, source in enumerate(sources))
