"""The complete manifest, and its JSON Schema for editors."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError

from farm.manifest.analysis import Analysis, switched
from farm.manifest.animation import Animation
from farm.manifest.fields import NOT_ALLOWED, Described, Section, Seed, Text
from farm.manifest.model import Model
from farm.manifest.output import Output
from farm.manifest.pipelines import call_arguments
from farm.manifest.render import Render


def fill_defaults(render: Render, info: ValidationInfo) -> Render:
    """Returns the arguments with the pipeline's own defaults where they say nothing; as they are if it is wrong."""
    model = info.data.get("model")
    if not isinstance(model, Model):
        return render
    arguments = call_arguments(model.pipeline, has_refiner=model.refiner is not None)
    unsaid = {
        name: default
        for name, default in arguments.items()
        if default is not None and getattr(render, name) is None
    }
    return render.model_copy(update=unsaid)


def _no_switch(value: object) -> object:
    """To Python, `true` equals 1."""
    return None if isinstance(value, bool) else value


def _refuse_devices(name: str) -> str:
    if re.fullmatch(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", name, re.ASCII | re.IGNORECASE):
        allowed = "a name that Windows does not keep for a device, as it does con, nul and com1"
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed})
    return name


def _refuse_options(name: str) -> str:
    if name.startswith("-"):
        allowed = "a name that does not begin with '-', as options of commands do"
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed})
    return name


Name = Annotated[
    str,
    Text(
        100,
        pattern=r"^[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?$",
        words="1 to 100 letters, digits, '.', '_' or '-', not beginning or ending with '.'",
    ),
    AfterValidator(_refuse_devices),
    AfterValidator(_refuse_options),
]


class Manifest(Section):
    """One animation for the diffusion farm: which model, which prompts, which motion, how many frames."""

    version: Annotated[
        Literal[1],
        BeforeValidator(_no_switch, json_schema_input_type=Literal[1]),
        Described("1, the only version there is"),
    ]
    """The manifest format's version: 1."""

    name: Name
    """The output folder's name."""

    description: Annotated[str, Text(10_000)] = ""
    """For people."""

    seed: Seed = 0
    """Where all noise comes from. Seed 42 here is seed 42 in diffusers."""

    model: Model
    """Which diffusers pipeline renders, with which weights."""

    animation: Animation
    """The motion, by its kind."""

    render: Annotated[Render, AfterValidator(fill_defaults)] = Field(default=Render(), validate_default=True)
    """Arguments of the pipeline call, by diffusers' names."""

    output: Output = Output()
    """What is assembled from the frames."""

    analysis: Annotated[
        Analysis | None, BeforeValidator(switched, json_schema_input_type=Analysis | bool | None)
    ] = None
    """What is measured in the frames; null for nothing."""


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """Returns the manifest's JSON Schema, draft 2020-12: what JSON Schema can say of the loader's rules."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation", schema_generator=_Untitled)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Diffusion farm manifest",
    }
