"""Arguments and options shared by several verbs, and what they select: jobs, an executor, a cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from farm import api
from farm.api import JobPlan
from farm.errors import ManifestError, Problem, UsageError
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.records import CacheSpec

Manifests = Annotated[list[Path], typer.Argument(help="Manifest files.", metavar="MANIFEST")]
OneManifest = Annotated[Path, typer.Argument(help="A manifest file.", metavar="MANIFEST")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field, e.g. render.eta=0.5."),
]
OutputDir = Annotated[
    str,
    typer.Option(
        "--output-dir",
        "-o",
        metavar="DIR",
        help="Folder or fsspec URL; each job gets a folder of its own in it.",
    ),
]
Procedural = Annotated[
    bool,
    typer.Option("--procedural", help="Preview the motion: draw test pictures instead of running the model."),
]
AllowInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-inputs",
        metavar="DIR",
        help="Let manifests read pictures and checkpoints only below their own folder and DIR. Repeatable; "
        "FARM_ALLOW_INPUTS adds more.",
    ),
]
AllowModels = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-models",
        metavar="PATTERN",
        help="Let manifests use only shipped checkpoints and those that match PATTERN: 'org/*' for hub ids, "
        "'/srv/models/*' for paths. Repeatable; FARM_ALLOW_MODELS adds more.",
    ),
]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Treat the manifests as untrusted: let them read only below their own folder and what is allowed.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-w",
        min=1,
        metavar="N",
        help="Number of workers; by default one per GPU, or one per CPU core.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDRESS",
        help="Address of a running Ray: auto or host:6379. By default a local Ray.",
    ),
]
Inline = Annotated[bool, typer.Option("--inline", help="Run in this process, without Ray.")]
ChunksPerShard = Annotated[
    int | None,
    typer.Option(
        "--chunks-per-shard",
        min=1,
        metavar="N",
        help="Chunks handed to a worker at a time; does not affect the frames.",
    ),
]

CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        metavar="DIR",
        help="Cache frames for other jobs in this folder, on a disk that all workers share.",
    ),
]
CacheSize = Annotated[
    float,
    typer.Option(
        "--cache-gb",
        min=0.001,
        max=1e6,
        metavar="GB",
        help="Maximum cache size; least recently used frames are evicted.",
    ),
]
ChunkTimeout = Annotated[
    float,
    typer.Option(
        "--chunk-timeout",
        min=1.0,
        metavar="SECONDS",
        help="Kill a worker after this long without progress, including the time to load its model.",
    ),
]
ManifestTimeout = Annotated[
    float,
    typer.Option(
        "--manifest-timeout",
        min=1.0,
        max=1e6,
        metavar="SECONDS",
        help="Refuse a manifest that takes longer than this to prepare, including hashing its checkpoints.",
    ),
]
MaxFailedFrames = Annotated[
    int | None,
    typer.Option(
        "--max-failed-frames",
        min=0,
        metavar="N",
        help="Stop a job once more than this many frames have failed.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobUrl = Annotated[str, typer.Argument(help="Output folder or URL of a job.", metavar="DIR")]

_INPUTS, _MODELS = "FARM_ALLOW_INPUTS", "FARM_ALLOW_MODELS"


def read_policy(
    allow_inputs: Sequence[str] | None, allow_models: Sequence[str] | None, *, untrusted: bool
) -> ReadPolicy:
    """Return the read policy set by the options and by FARM_ALLOW_INPUTS and FARM_ALLOW_MODELS.

    Without any of these, an `untrusted` manifest may read below its own folder only, any other manifest everything.
    """
    inputs = [*(allow_inputs or ()), *filter(None, os.environ.get(_INPUTS, "").split(os.pathsep))]
    models = [*(allow_models or ()), *os.environ.get(_MODELS, "").split()]
    return ReadPolicy(
        inputs=tuple(inputs) if inputs or untrusted else None, models=tuple(models) if models else None
    )


def plan_all(
    manifests: Sequence[Path],
    overrides: list[str] | None,
    *,
    output_dir: str = "out",
    procedural: bool = False,
    reads: ReadPolicy = ANYTHING,
) -> list[JobPlan]:
    """Return the plan of each manifest.

    Raises:
        ManifestError: with the mistakes in all manifests.
    """
    from farm.run import name_taken

    plans: list[JobPlan] = []
    problems: list[Problem] = []
    for path in manifests:
        try:
            plans.append(
                api.plan(path, overrides=overrides or (), out=output_dir, procedural=procedural, reads=reads)
            )
        except ManifestError as error:
            problems += error.problems
    names = [plan.name for plan in plans]
    problems += (
        [name_taken(path, name, first) for path, name, first in _taken(manifests, names)]
        if not problems
        else []
    )
    if problems:
        raise ManifestError(problems)
    return plans


def _taken(paths: Sequence[Path], names: Sequence[str]) -> list[tuple[Path, str, Path]]:
    """Return every manifest that repeats the name of an earlier one, with that earlier one."""
    first = {name: path for path, name in reversed(list(zip(paths, names, strict=True)))}
    pairs = enumerate(zip(paths, names, strict=True))
    return [(path, name, first[name]) for number, (path, name) in pairs if name in names[:number]]


def make_cache(folder: Path | None, gigabytes: float) -> CacheSpec | None:
    """Return the cache selected by the options, or None.

    Raises:
        UsageError: if `folder` is a URL or a file.
    """
    if folder is None:
        return None
    if ":/" in str(folder):
        raise UsageError(f"--cache-dir {folder}: is a URL; give a folder on a disk that all workers share.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--cache-dir {folder}: is a file; give a folder.")
    return CacheSpec(folder=str(folder.absolute()), limit_bytes=int(gigabytes * 1e9))
