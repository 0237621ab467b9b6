"""Finds the checkpoints that a manifest names; what is not there is told at its place."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, Protocol

from farm import models
from farm.errors import ManifestError, ModelError, Problem
from farm.manifest import Document, Manifest
from farm.records import DiffusersSpec, Lora, ModelSource, RendererSpec
from farm.render.source import find_source

Field = tuple[str | int, ...]
"""A field's place in a manifest."""


class Checkpoint(Protocol):
    """What a manifest says of a checkpoint."""

    @property
    def pretrained(self) -> str: ...  # noqa: D102
    @property
    def revision(self) -> str | None: ...  # noqa: D102


def find_renderer(document: Document) -> RendererSpec:
    """Return the renderer of a manifest, its checkpoints found.

    Raises:
        ManifestError: when checkpoints are not there, each at its place in the manifest.
    """
    model = document.manifest.model
    problems: list[Problem] = []

    def find(section: Field, written: Checkpoint, holds: Literal["pipeline", "adapter"]) -> ModelSource:
        try:
            source = find_source(written.pretrained, written.revision, document.folder, holds=holds)
            found = f"there is no checkpoint {written.pretrained!r}"
        except ModelError as error:
            source, found = None, str(error)
        if source is None:
            problems.append(_not_found(document, (*section, "pretrained"), written.pretrained, found))
        return source or _NOWHERE

    source = find(("model",), model, "pipeline")
    loras = [
        Lora(
            source=find(("model", "loras", number), lora, "adapter"),
            weight_name=lora.weight_name,
        )
        for number, lora in enumerate(model.loras)
    ]
    if problems:
        raise ManifestError(problems)
    return DiffusersSpec(
        pipeline=model.pipeline,
        source=source,
        variant=model.variant,
        torch_dtype=model.torch_dtype,
        loras=tuple(loras),
        determinism=document.manifest.render.determinism,
    )


def with_whole_paths(manifest: Manifest, renderer: RendererSpec) -> Manifest:
    """Return the manifest with local checkpoints by their absolute paths, so that it is right in any folder."""
    if not isinstance(renderer, DiffusersSpec):
        return manifest
    model = manifest.model
    loras = tuple(
        written.model_copy(update={"pretrained": _whole(lora.source)})
        for written, lora in zip(model.loras, renderer.loras, strict=True)
    )
    located = model.model_copy(update={"pretrained": _whole(renderer.source), "loras": loras})
    return manifest.model_copy(update={"model": located})


def _whole(source: ModelSource) -> str:
    return source.location if source.kind in ("folder", "file") else source.pretrained


_NOWHERE = ModelSource(pretrained="", kind="folder", location="", revision="", fingerprint="")


def _not_found(document: Document, path: Field, pretrained: str, found: str) -> Problem:
    names = [shipped.name for shipped in models.shipped() if shipped.kind == "pipeline"]
    near = get_close_matches(pretrained, names, 1)
    return document.problem(
        path,
        found,
        "needed: a hub id with its commit, a folder or .safetensors file beside the manifest, "
        f"or a shipped checkpoint ({', '.join(names)})",
        f"Did you mean {near[0]!r}?" if near else "",
    )
