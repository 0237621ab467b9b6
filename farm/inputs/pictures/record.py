"""Which pictures a job was rendered with, noted in its folder: they may be changed or gone later."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from farm.inputs.pictures.files import may_name
from farm.records import PictureSource
from farm.store import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)
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

    A note tells of the files that a manifest names by a path, and of no others.

    Raises:
        StorageError: when the folder cannot be read.
    """
    try:
        noted = folder.find_record(_NAME, dict[str, PictureSource]) or {}
    except Malformed as error:
        _logger.warning("%s is damaged (%s); input pictures are looked for again", folder.path(_NAME), error)
        return {}
    return {
        path: source
        for path, source in noted.items()
        if all(may_name(Path(path), Path(file.location)) for file in source.files)
    }
