"""What was measured in frames, kept a stretch at a time beside the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence

from farm.canonical import canonical_json
from farm.records import Column, Shown, Stretch, Values
from farm.store.folder import JobFolder

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/analysis"
_COLUMNS = f"{_FOLDER}/columns.json"


class Measurements:
    """Values of the frames in a job folder, by the `columns` that were measured; `analysis` is the digest of how.

    A stretch counts as measured as long as it consists of the same pictures between the same neighbours, which are to
    show the same prompts.
    """

    def __init__(self, folder: JobFolder, analysis: str, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._folder = folder
        self._analysis = analysis
        self._place = f"{_FOLDER}/{analysis[:16]}"

    def announce(self) -> None:
        """Say that this is what the job's frames are measured for from now on.

        Raises:
            StorageError: when it cannot be written.
        """
        columns = [dataclasses.asdict(column) for column in self.columns]
        content = {"analysis": self._analysis, "columns": columns}
        self._folder.write(_COLUMNS, json.dumps(content).encode())

    def keep(self, stretch: Stretch, values: Sequence[Values]) -> None:
        """Record what was measured in the frames of a stretch.

        Raises:
            StorageError: when it cannot be written.
        """
        content = {"seen": _seen(stretch), "values": [dict(one) for one in values]}
        self._folder.write(self._name(stretch), json.dumps(content).encode())

    def find(self, stretch: Stretch) -> tuple[Values, ...] | None:
        """Return what was measured in the frames of a stretch, or None if they are not measured.

        Raises:
            StorageError: when it cannot be read.
        """
        name = self._name(stretch)
        found = self._folder.find(name)
        if found is None:
            return None
        try:
            content = json.loads(found)
            if content["seen"] != _seen(stretch):
                return None
            return tuple(
                {column.name: one[column.name] for column in self.columns} for one in content["values"]
            )
        except (ValueError, TypeError, KeyError) as error:
            _logger.warning(
                "%s is damaged (%s); its frames are measured again", self._folder.path(name), error
            )
            return None

    def _name(self, stretch: Stretch) -> str:
        return f"{self._place}/frame{stretch.frames[0].frame:06d}-{stretch.frames[-1].frame:06d}.json"


def measured_in(folder: JobFolder) -> Measurements | None:
    """Return what a job's frames are measured for, or None.

    Raises:
        StorageError: when it cannot be read.
    """
    found = folder.find(_COLUMNS)
    if found is None:
        return None
    try:
        content = json.loads(found)
        return Measurements(folder, content["analysis"], [Column(**column) for column in content["columns"]])
    except (ValueError, TypeError, KeyError) as error:
        _logger.warning("%s is damaged (%s); nothing counts as measured", folder.path(_COLUMNS), error)
        return None


def measure_nothing(folder: JobFolder) -> None:
    """Say that the job's frames are not to be measured any more; what was measured is kept for another time."""
    folder.remove(_COLUMNS)


def _seen(stretch: Stretch) -> str:
    """Return a digest of what the values come from: pictures, and the prompts that they are to show."""

    def told(shown: Shown | None) -> object:
        return shown and [shown.content_sha256, shown.prompts, shown.weights]

    pictures = [told(stretch.before), *map(told, stretch.frames), told(stretch.after)]
    return hashlib.sha256(canonical_json(pictures).encode()).hexdigest()
