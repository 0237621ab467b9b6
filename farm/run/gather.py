"""A folder of manifests to the jobs of a night; what is broken is set apart, not thrown."""

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
    """The jobs of a folder by manifest, and the manifests that are refused, each with all its mistakes."""

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
    """Prepare every `*.yaml` and `*.yml` directly in `folder`, in the order of their names.

    They may have read what `reads` says. One that is a link out of the folder is refused, and not read.

    Each is prepared in a child process: one that takes more than `seconds`, or that ends the process, is refused as
    any other that is wrong.

    Raises:
        UsageError: when the folder is missing or holds no manifest, or nothing can be written to `output_dir`.
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
                    raise  # the call is wrong, for every manifest
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
        raise UsageError(f"{folder}: holds no manifest (*.yaml).")
    return paths


def _refuse_link_out(path: Path, reads: ReadPolicy) -> None:
    """Refuse a manifest that is a link to what is neither below its folder nor allowed; it is not opened.

    Raises:
        ManifestError: without saying where it leads.
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
    """Return the mistake of a manifest whose name another of the same run has."""
    return Problem(
        where=str(path),
        path="name",
        found=f"{name!r} is also the name of {other}",
        allowed="manifests of one run need names of their own, since they name the output folders",
    )
