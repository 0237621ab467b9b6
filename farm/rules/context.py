"""The inputs of rules: a manifest's sections as written, or the valid manifest with its resolved inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from farm.inputs.resolved import ResolvedInputs
from farm.manifest import Manifest
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import PIPELINES, Traits, call_arguments

Data = Mapping[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenManifest:
    """A known pipeline and the sections of its manifest as written, before they are known to be valid.

    A section that is invalid by itself is empty. If `has_valid_render` is false, the fields of the empty `render` do
    not count as missing.
    """

    pipeline: str
    model: Data
    render: Data
    over: Data
    has_valid_render: bool

    @property
    def traits(self) -> Traits:
        """The traits of the pipeline."""
        return PIPELINES[self.pipeline]

    @property
    def has_refiner(self) -> bool:
        """Whether a refiner continues from the pipeline's latents."""
        return self.model.get("refiner") is not None

    def argument(self, name: str) -> Any:
        """Return the written value of an argument, or else the pipeline's own default."""
        value = self.render.get(name)
        default = call_arguments(self.pipeline, has_refiner=self.has_refiner).get(name)
        return default if value is None else value

    def values(self, name: str) -> list[Any]:
        """Return all values of an argument: of a sweep's axis, of its keyframes, or a single one."""
        axis, value = self.over.get(name), self.argument(name)
        if isinstance(axis, list):
            return axis
        return list(value.values()) if isinstance(value, dict) else [value]

    def count(self, part: str) -> int:
        """Return the number of entries of a list in `model`."""
        parts = self.model.get(part)
        return len(parts) if isinstance(parts, list) else 0


def written_manifest(manifest: Data) -> WrittenManifest | None:
    """Return the sections of a manifest, or None if its pipeline is unknown."""
    match manifest:
        case {"model": {"pipeline": str(pipeline)}} if pipeline in PIPELINES:
            model, render = manifest["model"], manifest.get("render", {})
        case _:
            return None
    match manifest:
        case {"animation": {"over": dict(over)}}:
            pass
        case _:
            over = {}
    has_valid_render = isinstance(render, dict)
    return WrittenManifest(
        pipeline=pipeline,
        model=model,
        render=render if has_valid_render else {},
        over=over,
        has_valid_render=has_valid_render,
    )


def pipelines_where(condition: Callable[[Traits], bool]) -> str:
    """Return `allowed: with` and the pipelines whose traits satisfy a condition."""
    return f"allowed: with {', '.join(name for name, traits in PIPELINES.items() if condition(traits))}"


def pipelines_taking(argument: str) -> str:
    """Return `allowed: with` and the pipelines whose call takes an argument."""
    return pipelines_where(lambda traits: argument in traits.arguments)


def pipelines_with(part: str) -> str:
    """Return `allowed: with` and the pipelines that take a field of `model`."""
    return pipelines_where(lambda traits: part in traits.parts)


def count_entries(written: Any) -> int | None:
    """Return the number of entries of a field that takes a single value or a list; None if it is neither."""
    if isinstance(written, list):
        return len(written)
    return 1 if isinstance(written, str | dict) else None


def counted(number: int, one: str, several: str = "") -> str:
    """Return `1 picture`, `2 pictures`."""
    return f"1 {one}" if number == 1 else f"{number} {several or f'{one}s'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A manifest with valid fields, and the inputs that it names."""

    manifest: Manifest
    inputs: ResolvedInputs

    @property
    def traits(self) -> Traits:
        """The traits of the pipeline."""
        return PIPELINES[self.manifest.model.pipeline]

    @property
    def over(self) -> Mapping[str, Any]:
        """The axes of a sweep; empty for any other animation."""
        return getattr(self.manifest.animation, "over", {})

    def largest(self, name: str) -> float:
        """Return the largest value of an argument over all frames, or 0 if it has none."""
        values: Any = self.over.get(name) or getattr(self.manifest.render, name)
        if isinstance(values, Mapping):
            values = tuple(values.values())
        return float(max(values)) if isinstance(values, tuple) else float(values or 0.0)

    def is_set(self, name: str) -> bool:
        """Return whether an argument differs from the pipeline's default, which loading fills in."""
        model = self.manifest.model
        own = call_arguments(model.pipeline, has_refiner=model.refiner is not None)
        return name in self.over or getattr(self.manifest.render, name) not in (None, own.get(name))

    def field(self, name: str) -> FieldPath:
        """Return the path of an argument: an axis of the sweep, or a field of `render`."""
        return ("animation", "over", name) if name in self.over else ("render", name)
