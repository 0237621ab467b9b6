"""Records a job's input pictures in its folder, since the files may change or be removed later."""

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


def record_pictures(folder: JobFolder, pictures: Mapping[str, PictureSource]) -> None:
    """Record the input pictures of a job by their absolute paths; write nothing if there are none.

    Raises:
        StorageError: when the record cannot be written.
    """
    if pictures:
        recorded = {path: dataclasses.asdict(source) for path, source in pictures.items()}
        folder.write(_NAME, json.dumps(recorded).encode())


def recorded_pictures(folder: JobFolder) -> Mapping[str, PictureSource]:
    """Return the input pictures that a job was last started with, by absolute path; none if the record is damaged.

    Entries with files outside their own path are ignored.

    Raises:
        StorageError: when the folder cannot be read.
    """
    try:
        recorded = folder.find_record(_NAME, dict[str, PictureSource]) or {}
    except Malformed as error:
        _logger.warning("%s is damaged (%s); input pictures are searched again", folder.path(_NAME), error)
        return {}
    return {
        path: source
        for path, source in recorded.items()
        if all(may_name(Path(path), Path(file.location)) for file in source.files)
    }
