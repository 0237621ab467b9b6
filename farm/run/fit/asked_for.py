"""What a manifest asks of its pipeline in any frame, and where; how it is said that nothing listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.manifest import Manifest
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import call_arguments


def over(manifest: Manifest) -> Mapping[str, Any]:
    """Return the axes of a sweep; none of any other animation."""
    return getattr(manifest.animation, "over", {})


def most(manifest: Manifest, name: str) -> float:
    """Return the largest value that an argument has in any frame; 0 without one."""
    values: Any = over(manifest).get(name) or getattr(manifest.render, name)
    if isinstance(values, Mapping):
        values = tuple(values.values())
    return float(max(values)) if isinstance(values, tuple) else float(values or 0.0)


def is_asked(manifest: Manifest, name: str) -> bool:
    """Whether a manifest says anything of an argument but the pipeline's own default, which is filled in on loading."""
    own = call_arguments(manifest.model.pipeline, has_refiner=manifest.model.refiner is not None)
    given = getattr(manifest.render, name)
    return name in over(manifest) or given not in (None, own.get(name))


def place(manifest: Manifest, name: str) -> FieldPath:
    """Return where an argument is written: in a sweep, or with the others."""
    return ("animation", "over", name) if name in over(manifest) else ("render", name)


def idle(field: FieldPath, needed: str) -> Finding:
    """Return that what is written there has no effect, and what it would take."""
    return Finding(path=field, found="has no effect", allowed=f"needed: {needed}")
