"""`summary.json`: the result of a job, for people and scripts."""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from farm.records.fields import Natural, Seconds
from farm.records.status import EnvironmentShare, FrameCounts, FrameRange, WorkerShare
from farm.store import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)

NAME = "summary.json"
_DISTRIBUTIONS = {
    "farm": "diffusion-farm",
    "torch": "torch",
    "diffusers": "diffusers",
    "transformers": "transformers",
    "ray": "ray",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file made from the frames; `name` is relative to the job folder."""

    name: str
    bytes: Natural


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The result of a job. `seconds` is wall time; `started_at` and `finished_at` are ISO 8601 in UTC.

    `failures` are missing frames with the reason; `remarks` finished frames with a flaw: blank, or rendered with fewer
    frames per call. `error` is what ended the job or prevented its outputs, else empty. `analysis` has the insights,
    None if the job has no analysis.
    """

    name: str
    kind: str
    state: Literal["done", "partial", "interrupted", "failed"]
    exit_code: int
    error: str
    frames: FrameCounts
    failures: tuple[FrameRange, ...]
    remarks: tuple[FrameRange, ...]
    seconds: Seconds
    started_at: str
    finished_at: str
    workers: tuple[WorkerShare, ...]
    environments: tuple[EnvironmentShare, ...]
    outputs: tuple[Artifact, ...]
    versions: Mapping[str, str]
    analysis: Mapping[str, object] | None = None

    @property
    def frames_per_second(self) -> float:
        """Frames rendered in this run per second; 0 for a run of 0 seconds."""
        return self.frames.rendered / self.seconds if self.seconds > 0 else 0.0


def installed_versions() -> dict[str, str]:
    """Return the versions of Python, the farm and its libraries, without importing them.

    Libraries that are not installed are omitted.
    """
    versions = {"python": platform.python_version()}
    for name, distribution in _DISTRIBUTIONS.items():
        try:
            versions[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return versions


def read_summary(folder: JobFolder) -> Summary | None:
    """Return the summary of a job's last run; None if there is none, or, with a warning, if it is damaged.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        return folder.find_record(NAME, Summary)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); the result of the last run is unknown", folder.path(NAME), error)
        return None


def write_summary(folder: JobFolder, summary: Summary) -> None:
    """Write the summary atomically, as indented JSON.

    Raises:
        StorageError: it cannot be written.
    """
    content = dataclasses.asdict(summary) | {"frames_per_second": round(summary.frames_per_second, 4)}
    folder.write(NAME, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
