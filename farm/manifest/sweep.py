"""What a sweep goes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from farm.manifest.model import Scheduler, SchedulerName
from farm.manifest.takes import TAKES, Number, Whole

MAX_VALUES = 1000


_NAME = TypeAdapter[str](SchedulerName)


def _by_name(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return {"class": _NAME.validate_python(value)}
    except ValidationError as error:  # told where the name stands: there is no `class` in the file
        raise PydanticCustomError(TAKES, "{allowed}", error.errors()[0]["ctx"]) from None


NamedScheduler = Annotated[
    Scheduler, BeforeValidator(_by_name, json_schema_input_type=SchedulerName | Scheduler)
]
"""A scheduler, or just its name."""

_Values = Field(strict=False, min_length=1, max_length=MAX_VALUES)


@with_config(ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True))
class Axes(TypedDict, total=False):
    """Call arguments to try, each with its values; the first written varies slowest."""

    num_inference_steps: Annotated[tuple[Annotated[int, Whole(1, 1000)], ...], _Values]
    """Denoising steps."""

    guidance_scale: Annotated[tuple[Annotated[float, Number(0)], ...], _Values]
    """How closely the picture follows the prompt."""

    true_cfg_scale: Annotated[tuple[Annotated[float, Number(0)], ...], _Values]
    """Guidance away from the negative prompt in Flux and Qwen-Image."""

    strength: Annotated[tuple[Annotated[float, Number(0, 1)], ...], _Values]
    """How far the image is left behind, 1 for wholly."""

    eta: Annotated[tuple[Annotated[float, Number(0, 1)], ...], _Values]
    """DDIM's share of fresh noise in each step."""

    guidance_rescale: Annotated[tuple[Annotated[float, Number(0, 1)], ...], _Values]
    """How far over-exposure by guidance is undone."""

    scheduler: Annotated[tuple[NamedScheduler, ...], _Values]
    """Samplers: names, or maps of class and config."""


def _as_written(data: Any, check: Callable[[Any], Axes]) -> Axes:
    checked = check(data)
    if not 1 <= len(checked) <= 3:
        allowed = "1 to 3 call arguments, each with a list of values"
        raise PydanticCustomError(TAKES, "{allowed}", {"allowed": allowed})
    return {axis: checked[axis] for axis in data}  # type: ignore[return-value, literal-required]


Over = Annotated[
    Axes, WrapValidator(_as_written), Field(json_schema_extra={"minProperties": 1, "maxProperties": 3})
]
"""Axes in the order of the file: pydantic alone would give them in the order of the class."""
