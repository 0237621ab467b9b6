"""What was measured in frames, kept a stretch at a time beside the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from farm.canonical import canonical_json
from farm.records import Column, Shown, Stretch, Value, Values
from farm.records.fields import Digest
from farm.store.folder import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/analysis"
_COLUMNS = f"{_FOLDER}/columns.json"
_MOST = 1e9
"""No measure comes near it, and what is computed from such numbers is finite."""
_TYPES: dict[str, type] = {"float": float, "int": int, "text": str, "bool": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Announced:
    """What a job's frames are measured for: `analysis` is the digest of how."""

    analysis: Digest
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What was measured in the frames of a stretch; `seen` is a digest of what they show."""

    seen: str
    values: tuple[Values, ...]


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
        announced = _Announced(analysis=self._analysis, columns=self.columns)
        self._folder.write(_COLUMNS, json.dumps(dataclasses.asdict(announced)).encode())

    def keep(self, stretch: Stretch, values: Sequence[Values]) -> None:
        """Record what was measured in the frames of a stretch.

        Raises:
            StorageError: when it cannot be written.
        """
        measured = _Measured(seen=_seen(stretch), values=tuple(map(dict, values)))
        self._folder.write(self._name(stretch), json.dumps(dataclasses.asdict(measured)).encode())

    def find(self, stretch: Stretch) -> tuple[Values, ...] | None:
        """Return what was measured in the frames of a stretch, or None if they are not measured.

        Raises:
            StorageError: when it cannot be read.
        """
        name = self._name(stretch)
        try:
            found = self._folder.record(name, _Measured)
            if found is None or found.seen != _seen(stretch):
                return None
            if len(found.values) != len(stretch.frames):
                raise Malformed(f"it has values of {len(found.values)} frames, not of {len(stretch.frames)}")
            return tuple(
                {column.name: _value(column, one) for column in self.columns} for one in found.values
            )
        except Malformed as error:
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
    try:
        found = folder.record(_COLUMNS, _Announced)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); nothing counts as measured", folder.path(_COLUMNS), error)
        return None
    return None if found is None else Measurements(folder, found.analysis, found.columns)


def measure_nothing(folder: JobFolder) -> None:
    """Say that the job's frames are not to be measured any more; what was measured is kept for another time."""
    folder.remove(_COLUMNS)


def _value(column: Column, measured: Values) -> Value:
    """Return the value of a column, which is of its kind.

    Raises:
        Malformed: when it is not, or not there.
    """
    if column.name not in measured:
        raise Malformed(f"{column.name} is missing")
    value = measured[column.name]
    kind = _TYPES[column.kind]
    if kind is float and type(value) is int:
        value = float(value)
    if value is not None and type(value) is not kind:
        raise Malformed(f"a value of {column.name} is not of its kind, {column.kind}")
    if isinstance(value, float) and abs(value) > _MOST:
        raise Malformed(f"a value of {column.name} is larger than anything measured")
    return value


def _seen(stretch: Stretch) -> str:
    """Return a digest of what the values come from: pictures, and the prompts that they are to show."""

    def told(shown: Shown | None) -> object:
        return shown and [shown.content_sha256, shown.prompts, shown.weights]

    pictures = [told(stretch.before), *map(told, stretch.frames), told(stretch.after)]
    return hashlib.sha256(canonical_json(pictures).encode()).hexdigest()
