"""What a manifest's plain data asks of its pipeline: what the checks between fields look at."""

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
class Asked:
    """A pipeline that the farm knows, and the sections beside it; empty where they are wrong by themselves.

    `is_whole` says that nothing is missing merely because its section is wrong.
    """

    pipeline: str
    model: Data
    render: Data
    over: Data
    is_whole: bool

    @property
    def traits(self) -> Traits:
        """What the pipeline takes."""
        return PIPELINES[self.pipeline]

    @property
    def has_refiner(self) -> bool:
        """Whether a second pipeline goes on with its latents."""
        return self.model.get("refiner") is not None

    def argument(self, name: str) -> Any:
        """Return what is given for an argument, or else the pipeline's own default."""
        given = self.render.get(name)
        default = call_arguments(self.pipeline, has_refiner=self.has_refiner).get(name)
        return default if given is None else given

    def values(self, name: str) -> list[Any]:
        """Return every value that a call may get for an argument: of a sweep's axis, of keyframes, or the one."""
        axis, value = self.over.get(name), self.argument(name)
        if isinstance(axis, list):
            return axis
        return list(value.values()) if isinstance(value, dict) else [value]

    def count(self, part: str) -> int:
        """Return how many of a list in `model` there are."""
        parts = self.model.get(part)
        return len(parts) if isinstance(parts, list) else 0


def asked(manifest: Data) -> Asked | None:
    """Return what a manifest asks for, unless its pipeline is wrong by itself."""
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
    is_whole = isinstance(render, dict)
    return Asked(
        pipeline=pipeline, model=model, render=render if is_whole else {}, over=over, is_whole=is_whole
    )


def pipelines_that(take: Callable[[Traits], bool]) -> str:
    """Return `allowed: with` and the pipelines that take something."""
    return f"allowed: with {', '.join(name for name, traits in PIPELINES.items() if take(traits))}"


def pipelines_taking(argument: str) -> str:
    """Return `allowed: with` and the pipelines whose call takes an argument."""
    return pipelines_that(lambda traits: argument in traits.arguments)


def pipelines_with(part: str) -> str:
    """Return `allowed: with` and the pipelines that take a field of `model`."""
    return pipelines_that(lambda traits: part in traits.parts)


def entries(written: Any) -> int | None:
    """Returns how many entries a field has that takes one or a list; None where it has neither."""
    if isinstance(written, list):
        return len(written)
    return 1 if isinstance(written, str | dict) else None


def many(number: int, one: str, several: str = "") -> str:
    """Returns `1 picture`, `2 pictures`."""
    return f"1 {one}" if number == 1 else f"{number} {several or f'{one}s'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A manifest whose fields are valid, and what it names on this machine."""

    manifest: Manifest
    inputs: ResolvedInputs

    @property
    def traits(self) -> Traits:
        """Return what the pipeline takes."""
        return PIPELINES[self.manifest.model.pipeline]

    @property
    def over(self) -> Mapping[str, Any]:
        """Return the axes of a sweep; none for any other animation."""
        return getattr(self.manifest.animation, "over", {})

    def largest(self, name: str) -> float:
        """Return the largest value of an argument in any frame, 0 where it has none."""
        values: Any = self.over.get(name) or getattr(self.manifest.render, name)
        if isinstance(values, Mapping):
            values = tuple(values.values())
        return float(max(values)) if isinstance(values, tuple) else float(values or 0.0)

    def is_set(self, name: str) -> bool:
        """Tell whether an argument has another value than the pipeline's own default, which is filled in on loading."""
        model = self.manifest.model
        own = call_arguments(model.pipeline, has_refiner=model.refiner is not None)
        return name in self.over or getattr(self.manifest.render, name) not in (None, own.get(name))

    def field(self, name: str) -> FieldPath:
        """Return where an argument is written: in a sweep, or with the others."""
        return ("animation", "over", name) if name in self.over else ("render", name)
