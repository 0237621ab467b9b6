"""`farm models` and `farm schema`: what a manifest may contain."""

from __future__ import annotations

import dataclasses

from farm import models as shipped_models
from farm.cli.options import Json
from farm.cli.output import echo, echo_json, format_table
from farm.manifest import json_schema
from farm.units import format_size


def models(as_json: Json = False) -> None:
    """List the checkpoints shipped with the farm.

    Use their names as `model.pretrained`.
    """
    shipped = shipped_models.shipped()
    if as_json:
        echo_json([dataclasses.asdict(model) | {"path": str(model.path)} for model in shipped])
        return
    echo(
        format_table(
            (model.name, model.architecture, format_size(model.bytes), model.description) for model in shipped
        )
    )


def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    echo_json(json_schema())
