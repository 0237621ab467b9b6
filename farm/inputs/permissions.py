"""Holds a manifest to what it may have read: each picture and checkpoint it names goes through here first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from farm import models
from farm.errors import ManifestError, Problem
from farm.manifest import Document
from farm.manifest.location import FieldPath


class Checkpoint(Protocol):
    """What a manifest says of a checkpoint."""

    @property
    def pretrained(self) -> str: ...  # noqa: D102
    @property
    def revision(self) -> str | None: ...  # noqa: D102


def refused_model(document: Document, section: FieldPath, written: Checkpoint) -> Problem | None:
    """Return the mistake of naming a checkpoint that this manifest may not have read, or None if it may.

    Whether there is one is not said.
    """
    reads, name = document.reads, written.pretrained
    if reads.inputs is None and reads.models is None:
        return None
    if models.find(name) is not None or reads.allows_model(name, written.revision, document.folder):
        return None
    if reads.models is None:
        allowed = "a hub id with its commit, a shipped checkpoint, or one below the manifest's folder or --allow-inputs"
        hint = "The folder that holds it, given as --allow-inputs, allows it; so does --allow-models with a pattern."
    else:
        allowed = "a shipped checkpoint, or one that fits a pattern of --allow-models"
        hint = "A pattern that it fits, given as --allow-models, allows it."
    return document.problem(
        (*section, "pretrained"),
        f"{name!r} is not among what this manifest may read",
        f"allowed: {allowed}",
        hint,
    )


def refuse_file(document: Document, field: FieldPath, text: str, path: Path) -> None:
    """Refuse a file, folder or pattern, written as `text`, that this manifest may not have read.

    Raises:
        ManifestError: at the place of `field`; whether anything is there is not said.
    """
    if not document.reads.allows_file(path, document.folder):
        raise ManifestError(
            [
                document.problem(
                    field,
                    f"{text!r} is not among what this manifest may read",
                    "allowed: what is below the manifest's folder, links followed, or below a folder of --allow-inputs",
                    "The folder that holds it, given as --allow-inputs, allows it.",
                )
            ]
        )


def may_hint(document: Document, path: Path) -> bool:
    """Tell whether a near miss of a path may be named: no file's name of anybody else's folder is."""
    return document.reads.is_below_roots(path.parent, document.folder)
