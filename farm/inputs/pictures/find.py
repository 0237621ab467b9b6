"""Finds the pictures that a manifest names, and reports missing and invalid ones at their fields."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from farm.errors import ManifestError, Problem, StorageError
from farm.inputs.digest import content_sha256
from farm.inputs.permissions import check_file_permission, may_suggest
from farm.inputs.pictures.decode import MAX_PIXELS, MAX_SIDE, probe_file, reading
from farm.inputs.pictures.files import absolute_path, files_named, near_miss
from farm.inputs.pictures.record import recorded_pictures
from farm.manifest import Document
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.records import PictureFile, PictureSource
from farm.store import JobFolder

_NEEDED = (
    f"needed: a picture of up to {MAX_SIDE}x{MAX_SIDE} pixels, a folder or pattern of them (frames/*.png, "
    "frames/%04d.png), or a video; relative to the manifest, or absolute"
)


def find_pictures(document: Document, job: JobFolder | None = None) -> Mapping[str, PictureSource]:
    """Return the input pictures of a manifest by their names in it.

    Each is decoded to the length of the animation, except a sequence or video unchanged since the `job` was last
    rendered. A sequence or video `moves` if it contains several pictures.

    Raises:
        ManifestError: with every missing or invalid picture, and every sequence with too few frames, at its field.
        StorageError: when the job's folder cannot be read.
    """
    found: dict[str, PictureSource] = {}
    problems: list[Problem] = []
    written = list(written_pictures(document.manifest))
    recorded = recorded_pictures(job) if job is not None and written else {}
    for field, text in written:
        try:
            if text not in found:
                found[text] = _find(document, field, text, recorded)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return found


def relative_pictures(document: Document) -> list[Path]:
    """Return the files of input pictures with relative paths, which must be uploaded with the manifest.

    Raises:
        ManifestError: with every picture that is invalid or outside the manifest's folder.
    """
    files: dict[Path, None] = {}
    problems: list[Problem] = []
    for field, text in written_pictures(document.manifest):
        if Path(text).is_absolute() or text.startswith("~"):
            continue
        try:
            if Path(os.path.normpath(text)).parts[:1] == ("..",):
                raise document.error(
                    field,
                    f"{text} is outside the manifest's folder, and would not be uploaded with it",
                    "needed: a path within the manifest's folder, or an absolute path that the cluster shares",
                )
            found = _find(document, field, text, {})
            files |= dict.fromkeys(files_named(text, document.folder)[: len(found.files)])
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return list(files)


def _find(
    document: Document, field: FieldPath, text: str, recorded: Mapping[str, PictureSource]
) -> PictureSource:
    frames = document.manifest.animation.frame_count
    try:
        check_file_permission(document, field, text, absolute_path(text, document.folder))
        named = files_named(text, document.folder)
        for file in named:
            check_file_permission(document, field, text, file)
        named = [
            file.resolve() if file.is_file() else file for file in named
        ]  # the same path on every machine
        before = recorded.get(str(absolute_path(text, document.folder)))
        if before is not None and _is_unchanged(before, named[:frames], frames):
            return replace(before, files=before.files[:frames])
        if len(named) == 1:
            files = [probe_file(named[0], max_frames=frames)]
            count = files[0].count
        else:
            files = _sequence(named[:frames])
            count = len(named)
    except StorageError as error:
        hint = _hint(document, text)
        raise document.error(field, str(error), _NEEDED, hint) from error
    if 1 < count < frames:
        raise document.error(
            field,
            f"{text} has {count} pictures, the animation {frames} frames",
            "needed: at least one picture for each frame, or a single one for all",
        )
    return PictureSource(files=tuple(files), moves=count > 1)


def _hint(document: Document, text: str) -> str:
    """Return a hint with a similar name for a missing picture, if the manifest may read its folder."""
    try:
        is_allowed = may_suggest(document, absolute_path(text, document.folder))
    except StorageError:  # an unknown user's home folder
        return ""
    return near_miss(text, document.folder) if is_allowed else ""


def _is_unchanged(recorded: PictureSource, named: list[Path], frames: int) -> bool:
    """Return whether a recorded sequence or video has a picture for each frame, and its files are unchanged."""
    files = recorded.files[:frames]
    return (
        recorded.moves
        and recorded.count >= frames
        and [Path(file.location) for file in files] == named
        and all(_digest(path) == file.sha256 for path, file in zip(named, files, strict=True))
    )


def _digest(path: Path) -> str:
    with reading(path):
        return content_sha256(path)


def _sequence(paths: list[Path]) -> list[PictureFile]:
    files: list[PictureFile] = []
    for path in paths:
        file = probe_file(path, max_frames=2)
        first = files[0] if files else file
        if file.count > 1:
            raise StorageError(
                f"{path} contains several pictures, but each file of a sequence must contain one"
            )
        if (file.width, file.height) != (first.width, first.height):
            raise StorageError(
                f"{path} is {file.width}x{file.height}, the sequence's first picture {first.width}x{first.height}"
            )
        files.append(file)
        if len(files) * file.width * file.height > MAX_PIXELS:
            raise StorageError(
                f"{path.parent} has more than {MAX_PIXELS} pixels to decode, in pictures of "
                f"{file.width}x{file.height}; scale them down, or render fewer frames"
            )
    return files
