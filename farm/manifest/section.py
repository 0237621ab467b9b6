"""What every part of a manifest has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A map of the manifest: unknown keys are refused, and a text is never read as a number.

    Defaults are validated, so that a manifest with them left out and one that says them are one recipe.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )
