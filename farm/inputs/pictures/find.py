"""Finds the pictures that a manifest names; what is not as it must be is told at its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from farm.errors import ManifestError, Problem, StorageError
from farm.inputs.digest import content_sha256
from farm.inputs.permissions import may_hint, refuse_file
from farm.inputs.pictures.decode import LARGEST, MOST_PIXELS, look_through, reading
from farm.inputs.pictures.files import files_named, near_miss, whole_path
from farm.inputs.pictures.record import noted_pictures
from farm.manifest import Document
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.records import PictureFile, PictureSource
from farm.store import JobFolder

_NEEDED = (
    f"needed: a picture of up to {LARGEST}x{LARGEST} pixels, a folder or pattern of them (frames/*.png, "
    "frames/%04d.png), or a video; relative to the manifest, or with its whole path"
)


def find_pictures(document: Document, job: JobFolder | None = None) -> Mapping[str, PictureSource]:
    """Return the input pictures of a manifest by what is written there.

    Each is decoded, as far as the animation goes, but a sequence or video that is still the one that the `job` was
    last rendered with. A sequence or video moves if it holds several pictures.

    Raises:
        ManifestError: when some are not there or not pictures, or too few, each at its place in the manifest.
        StorageError: when the job's folder cannot be read.
    """
    found: dict[str, PictureSource] = {}
    problems: list[Problem] = []
    written = list(written_pictures(document.manifest))
    noted = noted_pictures(job) if job is not None and written else {}
    for field, text in written:
        try:
            if text not in found:
                found[text] = _find(document, field, text, noted)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return found


def pictures_beside(document: Document) -> list[Path]:
    """Return the files of input pictures that are relative to the manifest, and so must go wherever it goes.

    Raises:
        ManifestError: when they are not as they must be, or lie outside of the manifest's folder.
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
                    f"{text} lies outside of the manifest's folder, and would not travel with it",
                    "needed: a place beside or below the manifest, or a whole path that the cluster shares",
                )
            found = _find(document, field, text, {})
            files |= dict.fromkeys(files_named(text, document.folder)[: len(found.files)])
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return list(files)


def _find(
    document: Document, field: FieldPath, text: str, noted: Mapping[str, PictureSource]
) -> PictureSource:
    frames = document.manifest.animation.frame_count
    try:
        refuse_file(document, field, text, whole_path(text, document.folder))
        named = files_named(text, document.folder)
        for file in named:
            refuse_file(document, field, text, file)
        named = [file.resolve() if file.is_file() else file for file in named]  # as every machine finds it
        before = noted.get(str(whole_path(text, document.folder)))
        if before is not None and _is_still(before, named[:frames], frames):
            return replace(before, files=before.files[:frames])
        if len(named) == 1:
            files = [look_through(named[0], enough=frames)]
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
    """Return the near miss of a picture that is not there, if its name may be said."""
    try:
        may = may_hint(document, whole_path(text, document.folder))
    except StorageError:  # there is no home folder of that user
        return ""
    return near_miss(text, document.folder) if may else ""


def _is_still(noted: PictureSource, named: list[Path], frames: int) -> bool:
    """Whether these files are those noted, of which a picture for each frame was decoded then."""
    files = noted.files[:frames]
    return (
        noted.moves
        and noted.count >= frames
        and [Path(file.location) for file in files] == named
        and all(_digest(path) == file.sha256 for path, file in zip(named, files, strict=True))
    )


def _digest(path: Path) -> str:
    with reading(path):
        return content_sha256(path)


def _sequence(paths: list[Path]) -> list[PictureFile]:
    files: list[PictureFile] = []
    for path in paths:
        file = look_through(path, enough=2)
        first = files[0] if files else file
        if file.count > 1:
            raise StorageError(f"{path} moves, and a sequence is of files with one picture each")
        if (file.width, file.height) != (first.width, first.height):
            raise StorageError(
                f"{path} is {file.width}x{file.height}, the sequence's first picture {first.width}x{first.height}"
            )
        files.append(file)
        if len(files) * file.width * file.height > MOST_PIXELS:
            raise StorageError(
                f"{path.parent} has more than {MOST_PIXELS} pixels to decode, in pictures of "
                f"{file.width}x{file.height}; scale them down, or render fewer frames"
            )
    return files
