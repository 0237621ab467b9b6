"""Which pictures a job was rendered with, noted in its folder: they may be changed or gone later."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from farm.records import PictureFile, PictureSource
from farm.store import JobFolder

_NAME = ".farm/pictures.json"


def note_pictures(folder: JobFolder, pictures: Mapping[str, PictureSource]) -> None:
    """Write down the pictures of a job, which are told by their whole paths; without any nothing is written.

    Raises:
        StorageError: when it cannot be written.
    """
    if pictures:
        noted = {path: dataclasses.asdict(source) for path, source in pictures.items()}
        folder.write(_NAME, json.dumps(noted).encode())


def noted_pictures(folder: JobFolder) -> Mapping[str, PictureSource]:
    """Return the pictures that a job was last started with, by their whole paths; none where no such note is whole.

    Raises:
        StorageError: when the folder cannot be read.
    """
    try:
        noted = json.loads(folder.find(_NAME) or b"{}")
        return {
            path: PictureSource(
                files=tuple(PictureFile(**file) for file in source["files"]), moves=source["moves"]
            )
            for path, source in noted.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
