"""The `model` section: which pipeline, from where, at which commit."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from farm.manifest.fields import KeyframedScale
from farm.manifest.schedulers import REFUSED, SCHEDULERS
from farm.manifest.section import Section
from farm.manifest.takes import TAKES, OneOf, Takes, Text

PICKLED = (".ckpt", ".bin", ".pt", ".pth")

Pipeline = Literal["StableDiffusionPipeline"]
"""The diffusers pipelines that the farm renders with."""


def is_hub_id(pretrained: str) -> bool:
    """Whether this reads as `org/name` of the Hugging Face hub, and not as a path or a shipped checkpoint."""
    return re.fullmatch(
        r"[\w-][\w.-]*/[\w-][\w.-]*", pretrained, re.ASCII
    ) is not None and not pretrained.endswith(".safetensors")


def _refuse_urls_and_pickles(pretrained: str) -> str:
    if "://" in pretrained:
        allowed = "a hub id, a local folder or .safetensors file, or a shipped checkpoint's name, not a URL"
        raise PydanticCustomError(TAKES, "{allowed}", {"allowed": allowed})
    if pretrained.lower().endswith(PICKLED):
        allowed = "safetensors weights only: a pickle can run any code when it is loaded"
        hint = "Convert it to .safetensors."
        raise PydanticCustomError(TAKES, "{allowed}", {"allowed": allowed, "hint": hint})
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

_Scalar = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
ConfigValue = Annotated[
    _Scalar | Annotated[tuple[_Scalar, ...], Field(strict=False)],
    Takes("a text, a finite number, true, false, null, or a list of these"),
]


SchedulerName = Annotated[
    str,
    OneOf(
        SCHEDULERS,
        "a diffusers scheduler that the farm renders with, such as DDIMScheduler",
        REFUSED,
    ),
]


class Scheduler(Section):
    """A diffusers scheduler instead of the checkpoint's own."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    class_: Annotated[SchedulerName, Field(alias="class")]
    """The class's name in diffusers."""

    config: dict[str, ConfigValue] = Field(default_factory=dict)
    """What differs from the checkpoint's own scheduler configuration."""


class Lora(Section):
    """A LoRA adapter laid over the model's weights."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder or a `.safetensors` file."""

    revision: Commit | None = None
    """The full commit of a hub id."""

    weight_name: Annotated[str, Text(1000, least=1, words="a file's name")] | None = None
    """The file in that repository or folder; null where there is only one."""

    scale: KeyframedScale = 1.0
    """How strongly it acts, 1 as trained: a number, or a map of frame to number."""


class Model(Section):
    """Which diffusers pipeline renders, with which weights."""

    pipeline: Pipeline
    """A diffusers pipeline class."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder, a `.safetensors` file, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id: a branch moves, and so would the pictures."""

    variant: (
        Annotated[str, Text(100, pattern=r"^[\w.-]+$", words="a variant's name, such as fp16")] | None
    ) = None
    """Which set of weights files to take, such as fp16."""

    torch_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The number type the model computes in."""

    scheduler: Scheduler | None = None
    """The sampler; null keeps the checkpoint's own."""

    loras: Annotated[tuple[Lora, ...], Field(strict=False, max_length=100)] = ()
    """Adapters, laid over the model in this order."""
