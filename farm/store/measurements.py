"""Measured values of frames, one file per stretch, next to the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from farm.canonical import canonical_json
from farm.records import AnalyzedFrame, Column, Stretch, Value, Values
from farm.records.fields import Digest
from farm.store.folder import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/analysis"
_COLUMNS = f"{_FOLDER}/columns.json"
_MAX_VALUE = 1e9
"""Far above any measured value, so that whatever is computed from such values is finite."""
_TYPES: dict[str, type] = {"float": float, "int": int, "text": str, "bool": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Active:
    """The columns that a job's frames are measured for; `analysis` is the digest of how they are measured."""

    analysis: Digest
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """The values of a stretch's frames; `seen` is a digest of the frames they were measured in."""

    seen: str
    values: tuple[Values, ...]


class Measurements:
    """Values of the frames in a job folder, in `columns`; `analysis` is the digest of how they are measured.

    The values of a stretch are valid as long as its frames, their neighbours and the prompts they should show are the
    same.
    """

    def __init__(self, folder: JobFolder, analysis: str, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._folder = folder
        self._analysis = analysis
        self._subfolder = f"{_FOLDER}/{analysis[:16]}"

    def activate(self) -> None:
        """Make these the measurements that the job's frames have.

        Raises:
            StorageError: when it cannot be written.
        """
        active = _Active(analysis=self._analysis, columns=self.columns)
        self._folder.write(_COLUMNS, json.dumps(dataclasses.asdict(active)).encode())

    def write(self, stretch: Stretch, values: Sequence[Values]) -> None:
        """Record the values of a stretch's frames.

        Raises:
            StorageError: when it cannot be written.
        """
        measured = _Measured(seen=_digest(stretch), values=tuple(map(dict, values)))
        self._folder.write(self._name(stretch), json.dumps(dataclasses.asdict(measured)).encode())

    def find(self, stretch: Stretch) -> tuple[Values, ...] | None:
        """Return the values of a stretch's frames, or None if they are not measured.

        Raises:
            StorageError: when it cannot be read.
        """
        name = self._name(stretch)
        try:
            found = self._folder.find_record(name, _Measured)
            if found is None or found.seen != _digest(stretch):
                return None
            if len(found.values) != len(stretch.frames):
                raise Malformed(f"it has values of {len(found.values)} frames, not of {len(stretch.frames)}")
            return tuple(
                {column.name: _value(column, values) for column in self.columns} for values in found.values
            )
        except Malformed as error:
            _logger.warning(
                "%s is damaged (%s); its frames are measured again", self._folder.path(name), error
            )
            return None

    def _name(self, stretch: Stretch) -> str:
        return f"{self._subfolder}/frame{stretch.frames[0].frame:06d}-{stretch.frames[-1].frame:06d}.json"


def active_measurements(folder: JobFolder) -> Measurements | None:
    """Return the measurements that a job's frames have, or None.

    Raises:
        StorageError: when it cannot be read.
    """
    try:
        found = folder.find_record(_COLUMNS, _Active)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); all measurements are ignored", folder.path(_COLUMNS), error)
        return None
    return None if found is None else Measurements(folder, found.analysis, found.columns)


def deactivate_measurements(folder: JobFolder) -> None:
    """Make the job's frames have no measurements; values are kept in case they are measured the same way again."""
    folder.remove(_COLUMNS)


def _value(column: Column, measured: Values) -> Value:
    """Return the value in a column.

    Raises:
        Malformed: when it is missing, or not of the column's kind.
    """
    if column.name not in measured:
        raise Malformed(f"{column.name} is missing")
    value = measured[column.name]
    kind = _TYPES[column.kind]
    if kind is float and type(value) is int:
        value = float(value)
    if value is not None and type(value) is not kind:
        raise Malformed(f"a value of {column.name} is not of its kind, {column.kind}")
    if isinstance(value, float) and abs(value) > _MAX_VALUE:
        raise Malformed(f"a value of {column.name} is beyond {_MAX_VALUE:g}")
    return value


def _digest(stretch: Stretch) -> str:
    """Return a digest of what the values depend on: the frames, and the prompts that they should show."""

    def facts(frame: AnalyzedFrame | None) -> object:
        return frame and [frame.content_sha256, frame.prompts, frame.weights]

    frames = [facts(stretch.before), *map(facts, stretch.frames), facts(stretch.after)]
    return hashlib.sha256(canonical_json(frames).encode()).hexdigest()
