"""Prepare the jobs of a folder of manifests; invalid manifests are collected rather than raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from farm.errors import FarmError, ManifestError, Problem, UsageError, refusal
from farm.manifest.read_policy import BELOW_THE_MANIFEST, ReadPolicy
from farm.run.prepare import Job, prepare
from farm.run.preparer import MANIFEST_SECONDS, Preparer


@dataclass(slots=True)
class Gathered:
    """The jobs of a folder by manifest, and the invalid manifests, each with all its mistakes."""

    jobs: dict[Path, Job] = field(default_factory=dict)
    broken: dict[Path, ManifestError] = field(default_factory=dict)


def gather(
    folder: Path,
    *,
    overrides: Sequence[str] = (),
    output_dir: str = "out",
    procedural: bool = False,
    seconds: float = MANIFEST_SECONDS,
    reads: ReadPolicy = BELOW_THE_MANIFEST,
) -> Gathered:
    """Prepare every `*.yaml` and `*.yml` file directly in `folder`, ordered by name.

    `reads` limits the files that the manifests may name. A symbolic link out of the folder is refused without being
    read. Each manifest is prepared in a child process; one that takes more than `seconds`, or crashes the process, is
    refused like any other invalid manifest.

    Raises:
        UsageError: if the folder is missing or contains no manifest, or `output_dir` is not writable.
    """
    found, names = Gathered(), dict[str, Path]()
    preparing = partial(
        prepare, overrides=overrides, output_dir=output_dir, procedural=procedural, reads=reads
    )
    with Preparer(preparing, seconds=seconds) as prepared:
        for path in _manifests_in(folder):
            try:
                _refuse_link_out(path, reads)
                job = prepared(path)
                if job.plan.name in names:
                    raise ManifestError([name_taken(path, job.plan.name, names[job.plan.name])])
            except FarmError as error:
                if isinstance(error, UsageError) and not isinstance(error, ManifestError):
                    raise  # wrong arguments concern every manifest
                found.broken[path] = refusal(path, error)
            else:
                names[job.plan.name] = path
                found.jobs[path] = job
    return found


def _manifests_in(folder: Path) -> list[Path]:
    try:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; give a folder of manifests.")
        paths = sorted(
            path
            for path in folder.iterdir()
            if path.suffix in {".yaml", ".yml"} and (path.is_symlink() or not path.is_dir())
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{folder}: cannot be read: {reason}; give a folder of manifests.") from error
    if not paths:
        raise UsageError(f"{folder}: contains no manifest (*.yaml).")
    return paths


def _refuse_link_out(path: Path, reads: ReadPolicy) -> None:
    """Refuse a manifest that links to a file neither below its folder nor allowed, without opening it.

    Raises:
        ManifestError: if so; the message does not disclose the target.
    """
    if path.is_symlink() and not reads.is_below_roots(path, path.parent):
        problem = Problem(
            where=str(path),
            path="",
            found="a symbolic link that leads out of this folder",
            allowed="needed: manifests that are files, or links to files below this folder",
            hint="Copy the manifest here, or give the folder that holds it as --allow-inputs.",
        )
        raise ManifestError([problem])


def name_taken(path: Path, name: str, other: Path) -> Problem:
    """Return the problem of a manifest that has the name of another one in the same run."""
    return Problem(
        where=str(path),
        path="name",
        found=f"{name!r} is also the name of {other}",
        allowed="needed: a name that is unique in the run, since it names the output folder",
    )
