"""Measured values of frames, one file per sequence, next to the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from farm.canonical import canonical_json
from farm.records import AnalyzedFrame, Column, FrameSequence, Value, Values
from farm.records.fields import Digest
from farm.store.folder import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/analysis"
_COLUMNS = f"{_FOLDER}/columns.json"
_MAX_VALUE = 1e9
"""Far above any measured value; results computed from values up to this are finite."""
_TYPES: dict[str, type] = {"float": float, "int": int, "text": str, "bool": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Active:
    """The columns of a job's current measurements; `analysis` is the digest of the analysis."""

    analysis: Digest
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """The values of a sequence's frames; `seen` is a digest of the measured frames."""

    seen: str
    values: tuple[Values, ...]


class Measurements:
    """Measured values of the frames in a job folder, in `columns`; `analysis` is the digest of the analysis.

    The values of a sequence are valid while its frames, their neighbours and their prompts are unchanged.
    """

    def __init__(self, folder: JobFolder, analysis: str, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._folder = folder
        self._analysis = analysis
        self._subfolder = f"{_FOLDER}/{analysis[:16]}"

    def activate(self) -> None:
        """Make these the current measurements of the job.

        Raises:
            StorageError: when it cannot be written.
        """
        active = _Active(analysis=self._analysis, columns=self.columns)
        self._folder.write(_COLUMNS, json.dumps(dataclasses.asdict(active)).encode())

    def write(self, sequence: FrameSequence, values: Sequence[Values]) -> None:
        """Record the values of a sequence's frames.

        Raises:
            StorageError: when it cannot be written.
        """
        measured = _Measured(seen=_digest(sequence), values=tuple(map(dict, values)))
        self._folder.write(self._name(sequence), json.dumps(dataclasses.asdict(measured)).encode())

    def find(self, sequence: FrameSequence) -> tuple[Values, ...] | None:
        """Return the values of a sequence's frames, or None if they were not measured.

        Raises:
            StorageError: when it cannot be read.
        """
        name = self._name(sequence)
        try:
            measured = self._folder.find_record(name, _Measured)
            if measured is None or measured.seen != _digest(sequence):
                return None
            if len(measured.values) != len(sequence.frames):
                raise Malformed(
                    f"it has values of {len(measured.values)} frames, not of {len(sequence.frames)}"
                )
            return tuple(
                {column.name: _value(column, values) for column in self.columns} for values in measured.values
            )
        except Malformed as error:
            _logger.warning(
                "%s is damaged (%s); its frames are measured again", self._folder.path(name), error
            )
            return None

    def _name(self, sequence: FrameSequence) -> str:
        return f"{self._subfolder}/frame{sequence.frames[0].frame:06d}-{sequence.frames[-1].frame:06d}.json"


def active_measurements(folder: JobFolder) -> Measurements | None:
    """Return the current measurements of a job, or None.

    Raises:
        StorageError: when it cannot be read.
    """
    try:
        active = folder.find_record(_COLUMNS, _Active)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); all measurements are ignored", folder.path(_COLUMNS), error)
        return None
    return None if active is None else Measurements(folder, active.analysis, active.columns)


def deactivate_measurements(folder: JobFolder) -> None:
    """Deactivate the job's measurements; keep their values in case the same analysis is run again."""
    folder.remove(_COLUMNS)


def _value(column: Column, measured: Values) -> Value:
    """Return the value in a column.

    Raises:
        Malformed: when it is missing, or does not have the column's kind.
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


def _digest(sequence: FrameSequence) -> str:
    """Return a digest of everything that the values depend on: the frames and their prompts."""

    def facts(frame: AnalyzedFrame | None) -> object:
        return frame and [frame.content_sha256, frame.prompts, frame.weights]

    frames = [facts(sequence.before), *map(facts, sequence.frames), facts(sequence.after)]
    return hashlib.sha256(canonical_json(frames).encode()).hexdigest()
