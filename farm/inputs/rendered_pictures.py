"""The input pictures of a finished job, and whether they have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from farm.errors import ManifestError
from farm.inputs.absolute_paths import by_absolute_paths, located_picture
from farm.inputs.digest import content_sha256
from farm.inputs.permissions import check_file_permission
from farm.inputs.pictures.find import find_pictures
from farm.inputs.pictures.record import recorded_pictures
from farm.manifest import Document
from farm.manifest.references import written_pictures
from farm.records import PictureSource
from farm.store import JobFolder


def rendered_pictures(folder: JobFolder, document: Document) -> Mapping[str, PictureSource]:
    """Return the input pictures that the job was rendered with, by absolute path; they may have been removed since.

    If they were not recorded, or the manifest now names others, the manifest's pictures are searched for.

    Raises:
        ManifestError: when the search does not find one.
        StorageError: when the folder cannot be read.
    """
    recorded = recorded_pictures(folder)
    paths = {located_picture(document, text) for _, text in written_pictures(document.manifest)}
    frames = document.manifest.animation.frame_count
    known = {
        path: source
        for path, source in recorded.items()
        if path in paths and (not source.moves or source.count >= frames)
    }
    return known if known.keys() == paths else by_absolute_paths(document, find_pictures(document))


def check_pictures_unchanged(document: Document, pictures: Mapping[str, PictureSource]) -> None:
    """Check that the input pictures are unchanged, before a model is loaded to render with them.

    Raises:
        ManifestError: with the first changed or missing file of each picture.
    """
    for field, text in written_pictures(document.manifest):
        for file in pictures[located_picture(document, text)].files:
            check_file_permission(document, field, text, Path(file.location))
    problems = [
        document.problem(
            field,
            found,
            "needed: the picture that the frames were rendered from, since verification renders them again",
            "Restore it; assembling needs no input pictures.",
        )
        for field, text in written_pictures(document.manifest)
        if (found := _change(pictures[located_picture(document, text)])) is not None
    ]
    if problems:
        raise ManifestError(problems)


def _change(pictures: PictureSource) -> str | None:
    """Describe the first changed or missing file, or return None."""
    for file in pictures.files:
        try:
            if content_sha256(Path(file.location)) != file.sha256:
                return f"{file.location} has changed since"
        except OSError as error:
            return f"{file.location} cannot be read: {error.strerror}"
    return None
