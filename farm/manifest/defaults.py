"""What a manifest leaves unsaid of the pipeline call: the pipeline's own defaults, filled in."""

from __future__ import annotations

from pydantic import ValidationInfo

from farm.manifest.model import Model
from farm.manifest.pipelines import call_arguments
from farm.manifest.render import Render


def filled(render: Render, info: ValidationInfo) -> Render:
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
