"""The complete manifest, and its JSON Schema for editors."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic.json_schema import GenerateJsonSchema

from farm.manifest.analysis import Analysis
from farm.manifest.animation import Animation
from farm.manifest.docstrings import field_docstrings
from farm.manifest.fields import Described, Section, Seed, Text, expand_switch, not_allowed
from farm.manifest.model import Model
from farm.manifest.output import Output
from farm.manifest.pipelines import call_arguments
from farm.manifest.render import Render


def fill_defaults(render: Render, info: ValidationInfo) -> Render:
    """Return the arguments with the pipeline's own defaults filled in; unchanged if the model is invalid."""
    model = info.data.get("model")
    if not isinstance(model, Model):
        return render
    arguments = call_arguments(model.pipeline, has_refiner=model.refiner is not None)
    defaults = {
        name: default
        for name, default in arguments.items()
        if default is not None and getattr(render, name) is None
    }
    return render.model_copy(update=defaults)


def _reject_boolean(value: object) -> object:
    """Return None for booleans: in Python, True equals 1."""
    return None if isinstance(value, bool) else value


def _refuse_devices(name: str) -> str:
    if re.fullmatch(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", name, re.ASCII | re.IGNORECASE):
        raise not_allowed("a name that Windows does not reserve for a device, unlike con, nul and com1")
    return name


def _refuse_options(name: str) -> str:
    if name.startswith("-"):
        raise not_allowed("a name that does not begin with '-', as command-line options do")
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
    """One animation for the diffusion farm: its model, prompts, motion and number of frames."""

    version: Annotated[
        Literal[1],
        BeforeValidator(_reject_boolean, json_schema_input_type=Literal[1]),
        Described("1, the only version"),
    ]
    """Version of the manifest format: 1."""

    name: Name
    """Name of the output folder."""

    description: Annotated[str, Text(10_000)] = ""
    """A description for human readers."""

    seed: Seed = 0
    """Seed of all noise. Seed 42 here is seed 42 in diffusers."""

    model: Model
    """The diffusers pipeline and its weights."""

    animation: Animation
    """The motion, selected by `kind`."""

    render: Annotated[Render, AfterValidator(fill_defaults)] = Field(default=Render(), validate_default=True)
    """Arguments of the pipeline call, by diffusers' names."""

    output: Output = Output()
    """The files to assemble from the frames."""

    analysis: Annotated[
        Analysis | None, BeforeValidator(expand_switch, json_schema_input_type=Analysis | bool | None)
    ] = None
    """Measurements of the frames; null for none."""


class _SchemaWriter(GenerateJsonSchema):
    """Describes fields by the docstrings below them, and omits titles that only repeat a field's name.

    pydantic's `use_attribute_docstrings` would read the source of every section each time a manifest is checked.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return _described(super().model_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
        return _described(super().typed_dict_schema(schema), schema["cls"])


def _described(schema: dict[str, Any], section: type) -> dict[str, Any]:
    """Return the JSON Schema of a section with missing field descriptions added."""
    fields = getattr(section, "model_fields", {})
    for name, text in field_docstrings(section).items():
        key = (fields[name].alias if name in fields else None) or name
        if key in schema["properties"]:
            schema["properties"][key].setdefault("description", text)
    return schema


def json_schema() -> dict[str, Any]:
    """Return the manifest's JSON Schema, draft 2020-12, with all of the loader's rules that it can express."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation", schema_generator=_SchemaWriter)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Diffusion farm manifest",
    }
