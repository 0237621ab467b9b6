"""From a manifest's path to a job that can start: loaded, its checkpoints found, planned. Nothing is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from farm import models
from farm.manifest import Document, load
from farm.plan import Plan, Range, chunks_to_render, judge, make_plan
from farm.records import DiffusersSpec, Lora, ModelSource, ProceduralSpec, RendererSpec
from farm.render.source import find_source
from farm.store import JobFolder, Ledger, is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan and the folder that it renders into."""

    plan: Plan
    folder: JobFolder

    def remaining(self) -> list[Range]:
        """Return ranges over all frames, each with whether it is kept or why it is rendered."""
        return list(judge(self.plan, Ledger(self.folder).rows(), partial(is_whole, self.folder)))

    def to_render(self, ranges: Sequence[Range]) -> tuple[int, ...]:
        """Return the chunks that `remaining` leaves to render."""
        return tuple(chunks_to_render(self.plan, ranges))


def prepare(
    path: Path, *, overrides: Sequence[str] = (), output_dir: str = "out", procedural: bool = False
) -> Job:
    """Return the job of a manifest.

    With `procedural` its motion is rehearsed without its model, into `<name>-rehearsal`.

    Raises:
        ManifestError: with every mistake found, and where; a missing checkpoint is one of them.
    """
    document = load(path, overrides)
    plan = make_plan(document.manifest, rehearsal(document) if procedural else find_renderer(document))
    name = f"{plan.name}-rehearsal" if procedural else plan.name
    return Job(plan=plan, folder=JobFolder(f"{output_dir.rstrip('/')}/{name}"))


def rehearsal(document: Document) -> ProceduralSpec:
    """Return a procedural renderer of the manifest's picture size."""
    render = document.manifest.render
    return ProceduralSpec(height=render.height or 64, width=render.width or 64)


def find_renderer(document: Document) -> RendererSpec:
    """Return the renderer of a manifest, its checkpoints found.

    Raises:
        ManifestError: when a checkpoint is not there, at its place in the manifest.
    """
    model = document.manifest.model
    return DiffusersSpec(
        pipeline=model.pipeline,
        source=_source(document, ("model",), model.pretrained, model.revision),
        variant=model.variant,
        torch_dtype=model.torch_dtype,
        loras=tuple(
            Lora(
                source=_source(document, ("model", "loras", number), lora.pretrained, lora.revision),
                weight_name=lora.weight_name,
                scale=lora.scale,
            )
            for number, lora in enumerate(model.loras)
        ),
    )


def _source(
    document: Document, section: tuple[str | int, ...], pretrained: str, revision: str | None
) -> ModelSource:
    source = find_source(pretrained, revision, document.folder)
    if source is None:
        names = [model.name for model in models.shipped() if model.pipeline_class]
        near = get_close_matches(pretrained, names, 1)
        raise document.error(
            (*section, "pretrained"),
            f"there is no checkpoint {pretrained!r}",
            "needed: a hub id with its commit, a folder or .safetensors file beside the manifest, "
            f"or a shipped checkpoint ({', '.join(names)})",
            f"Did you mean {near[0]!r}?" if near else "",
        )
    return source
