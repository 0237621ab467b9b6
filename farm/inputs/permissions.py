"""Checks whether a manifest may read a picture or checkpoint, before the farm does."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from farm import models
from farm.errors import ManifestError, Problem
from farm.manifest import Document
from farm.manifest.location import FieldPath


class Checkpoint(Protocol):
    """A checkpoint named in a manifest."""

    @property
    def pretrained(self) -> str: ...  # noqa: D102
    @property
    def revision(self) -> str | None: ...  # noqa: D102


def model_permission_problem(document: Document, section: FieldPath, written: Checkpoint) -> Problem | None:
    """Return a problem if the manifest may not read a checkpoint, or None.

    The problem does not reveal whether the checkpoint exists.
    """
    reads, name = document.reads, written.pretrained
    if reads.inputs is None and reads.models is None:
        return None
    if models.find(name) is not None or reads.allows_model(name, written.revision, document.folder):
        return None
    if reads.models is None:
        allowed = "a hub id with its commit, a shipped checkpoint, or one below the manifest's folder or --allow-inputs"
        hint = (
            "To allow it, give its folder as --allow-inputs, or a pattern that matches it as --allow-models."
        )
    else:
        allowed = "a shipped checkpoint, or one that matches a pattern of --allow-models"
        hint = "To allow it, give a pattern that matches it as --allow-models."
    return document.problem(
        (*section, "pretrained"),
        f"{name!r} may not be read by this manifest",
        f"allowed: {allowed}",
        hint,
    )


def check_file_permission(document: Document, field: FieldPath, text: str, path: Path) -> None:
    """Check that the manifest may read a file, folder or pattern, written as `text`.

    Raises:
        ManifestError: when it may not, at `field`; the message does not reveal whether the file exists.
    """
    if not document.reads.allows_file(path, document.folder):
        raise ManifestError(
            [
                document.problem(
                    field,
                    f"{text!r} may not be read by this manifest",
                    "allowed: files below the manifest's folder, with links resolved, or below a folder of "
                    "--allow-inputs",
                    "To allow it, give its folder as --allow-inputs.",
                )
            ]
        )


def may_suggest(document: Document, path: Path) -> bool:
    """Return whether names similar to a missing path may be suggested: only from folders that may be read."""
    return document.reads.is_below_roots(path.parent, document.folder)
