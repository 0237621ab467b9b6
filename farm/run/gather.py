"""A folder of manifests to the jobs of a night; what is broken is set apart, not thrown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farm.errors import ManifestError, Problem, UsageError
from farm.run.prepare import Job, prepare


@dataclass(slots=True)
class Gathered:
    """The jobs of a folder by manifest, and the manifests that are refused, each with all its mistakes."""

    jobs: dict[Path, Job] = field(default_factory=dict)
    broken: dict[Path, ManifestError] = field(default_factory=dict)


def gather(
    folder: Path, *, overrides: Sequence[str] = (), output_dir: str = "out", procedural: bool = False
) -> Gathered:
    """Prepare every `*.yaml` and `*.yml` directly in `folder`, in the order of their names.

    Raises:
        UsageError: when the folder is missing or holds no manifest.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give a folder of manifests.")
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    if not paths:
        raise UsageError(f"{folder}: holds no manifest (*.yaml).")
    found, names = Gathered(), dict[str, Path]()
    for path in paths:
        try:
            job = prepare(path, overrides=overrides, output_dir=output_dir, procedural=procedural)
            if job.plan.name in names:
                raise ManifestError([name_taken(path, job.plan.name, names[job.plan.name])])
        except ManifestError as error:
            found.broken[path] = error
        else:
            names[job.plan.name] = path
            found.jobs[path] = job
    return found


def name_taken(path: Path, name: str, other: Path) -> Problem:
    """Return the mistake of a manifest whose name another of the same run has."""
    return Problem(
        where=str(path),
        path="name",
        found=f"{name!r} is also the name of {other}",
        allowed="manifests of one run need names of their own, since they name the output folders",
    )
