"""The `model` section: which pipeline, from where, at which commit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from farm.manifest.adapters import Configuration, ControlNet, IpAdapter, Lora, Refiner, TextualInversion
from farm.manifest.memory import Memory
from farm.manifest.pipeline_code import what_it_takes
from farm.manifest.pipelines import PIPELINES
from farm.manifest.reading.findings import near
from farm.manifest.schedulers import REFUSED, SCHEDULERS
from farm.manifest.section import Section
from farm.manifest.sources import Commit, Pretrained, Variant
from farm.manifest.takes import TAKES, OneOf, Takes


def _known(pipeline: object) -> object:
    if isinstance(pipeline, str) and pipeline in PIPELINES:
        return pipeline
    hints = [near(pipeline, PIPELINES), what_it_takes(pipeline)] if isinstance(pipeline, str) else []
    context = {
        "allowed": f"one of the diffusers pipelines that the farm renders with: {', '.join(PIPELINES)}",
        "hint": " ".join(filter(None, hints)),
    }
    raise PydanticCustomError(TAKES, "{allowed}", context)


Pipeline = Annotated[
    str,
    BeforeValidator(_known, json_schema_input_type=str),
    Field(json_schema_extra={"enum": list(PIPELINES)}),
]

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


class Model(Section):
    """Which diffusers pipeline renders, with which weights."""

    pipeline: Pipeline
    """A diffusers pipeline class."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder, a `.safetensors` file, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id: a branch moves, and so would the pictures."""

    config: Configuration | None = None
    """Where a `.safetensors` file's configuration comes from, which needs one; null for all else."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""

    torch_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The number type the model computes in."""

    scheduler: Scheduler | None = None
    """The sampler; null keeps the checkpoint's own."""

    refiner: Refiner | None = None
    """A second pipeline for the last steps of Stable Diffusion XL; null for none."""

    controlnets: Annotated[tuple[ControlNet, ...], Field(strict=False, max_length=10)] = ()
    """Nets that make the picture follow others, each its own."""

    ip_adapters: Annotated[tuple[IpAdapter, ...], Field(strict=False, max_length=10)] = ()
    """Adapters that let pictures be prompts."""

    textual_inversions: Annotated[tuple[TextualInversion, ...], Field(strict=False, max_length=100)] = ()
    """Words that were learned."""

    loras: Annotated[tuple[Lora, ...], Field(strict=False, max_length=100)] = ()
    """Adapters, laid over the model in this order."""

    memory: Memory = Memory()
    """How less memory is needed."""
