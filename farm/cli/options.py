"""Arguments that several verbs take, each with its help."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from farm.errors import ManifestError, Problem, UsageError
from farm.execute import Executor, Policy, open_executor
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.records import CacheSpec
from farm.results.job import Rendered
from farm.run import name_taken, prepare
from farm.run.prepare import Job

Manifests = Annotated[list[Path], typer.Argument(help="Manifest files.", metavar="MANIFEST...")]
OneManifest = Annotated[Path, typer.Argument(help="A manifest file.", metavar="MANIFEST")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, as in render.num_inference_steps=4."),
]
OutputDir = Annotated[
    str,
    typer.Option("--output-dir", "-o", help="Folder or fsspec URL in which each job makes its own folder."),
]
Procedural = Annotated[
    bool,
    typer.Option("--procedural", help="Rehearse the motion with drawn test pictures instead of the model."),
]
AllowInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-inputs",
        metavar="DIR",
        help="Let manifests read pictures and checkpoints only below their own folder and this one, which may be given "
        "several times. FARM_ALLOW_INPUTS adds others.",
    ),
]
AllowModels = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-models",
        metavar="PATTERN",
        help="Let manifests name, beside shipped checkpoints, only those that fit this pattern, which may be given "
        "several times: 'org/*' of hub ids, '/srv/models/*' of paths. FARM_ALLOW_MODELS adds others.",
    ),
]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="The manifests are somebody else's: they may read below their own folder only, and what is allowed.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=1, help="How many workers; by default one per GPU, or one per core."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="A running Ray: auto, or host:6379. Without it a local one."),
]
Inline = Annotated[bool, typer.Option("--inline", help="Render in this process, without Ray.")]
ChunksPerShard = Annotated[
    int | None,
    typer.Option(
        "--chunks-per-shard", min=1, help="Chunks handed to a worker at a time; never changes a frame."
    ),
]

CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        help="Share frames between jobs in this folder, on a disk that all workers see. Without it no cache.",
    ),
]
CacheSize = Annotated[
    float,
    typer.Option(
        "--cache-gb",
        min=0.001,
        max=1e6,
        help="Gigabytes that the cache may take; what was used longest ago goes.",
    ),
]
ChunkTimeout = Annotated[
    float,
    typer.Option(
        "--chunk-timeout",
        min=1.0,
        metavar="SECONDS",
        help="Kill a worker that says nothing for so long, its model's loading included.",
    ),
]
ManifestTimeout = Annotated[
    float,
    typer.Option(
        "--manifest-timeout",
        min=1.0,
        max=1e6,
        metavar="SECONDS",
        help="Refuse a manifest whose preparation takes longer, the hashing of its checkpoints included.",
    ),
]
MaxFailedFrames = Annotated[
    int | None,
    typer.Option("--max-failed-frames", min=0, help="Stop a job that has lost more frames than this."),
]


_INPUTS, _MODELS = "FARM_ALLOW_INPUTS", "FARM_ALLOW_MODELS"


def read_policy(
    allow_inputs: Sequence[str] | None, allow_models: Sequence[str] | None, *, untrusted: bool
) -> ReadPolicy:
    """Return what manifests may have read, by the options and the variables FARM_ALLOW_INPUTS and FARM_ALLOW_MODELS.

    Without any of these an `untrusted` manifest may read below its folder, another one anything.
    """
    inputs = [*(allow_inputs or ()), *filter(None, os.environ.get(_INPUTS, "").split(os.pathsep))]
    models = [*(allow_models or ()), *os.environ.get(_MODELS, "").split()]
    return ReadPolicy(
        inputs=tuple(inputs) if inputs or untrusted else None, models=tuple(models) if models else None
    )


def prepare_all(
    manifests: Sequence[Path],
    overrides: list[str] | None,
    *,
    output_dir: str = "out",
    procedural: bool = False,
    reads: ReadPolicy = ANYTHING,
) -> list[Job]:
    """Return the jobs of all manifests.

    Raises:
        ManifestError: with the mistakes of all of them.
    """
    jobs: list[Job] = []
    problems: list[Problem] = []
    for path in manifests:
        try:
            jobs.append(
                prepare(
                    path,
                    overrides=overrides or (),
                    output_dir=output_dir,
                    procedural=procedural,
                    reads=reads,
                )
            )
        except ManifestError as error:
            problems += error.problems
    names = [job.plan.name for job in jobs]
    problems += (
        [name_taken(path, name, first) for path, name, first in _taken(manifests, names)]
        if not problems
        else []
    )
    if problems:
        raise ManifestError(problems)
    return jobs


def _taken(paths: Sequence[Path], names: Sequence[str]) -> list[tuple[Path, str, Path]]:
    """Return every manifest whose name an earlier one has, with that earlier one."""
    first = {name: path for path, name in reversed(list(zip(paths, names, strict=True)))}
    pairs = enumerate(zip(paths, names, strict=True))
    return [(path, name, first[name]) for number, (path, name) in pairs if name in names[:number]]


def make_executor(
    jobs: Sequence[Job | Rendered],
    *,
    workers: int | None,
    address: str | None,
    inline: bool,
    policy: Policy | None = None,
    cache: CacheSpec | None = None,
) -> Executor:
    """Return the executor that the options ask for, to be entered.

    Raises:
        UsageError: when they contradict each other.
    """
    if inline and (address or (workers or 1) > 1):
        raise UsageError("--inline renders in this one process; leave out --workers and --address.")
    if not inline and any(job.folder.in_process for job in jobs):
        raise UsageError(
            "--output-dir memory://: lives in this process alone; render --inline, or choose another."
        )
    return open_executor(inline=inline, workers=workers, address=address, policy=policy, cache=cache)


def make_cache(folder: Path | None, gigabytes: float) -> CacheSpec | None:
    """Return the cache that the options ask for, if any.

    Raises:
        UsageError: when it is no folder on a disk.
    """
    if folder is None:
        return None
    if ":/" in str(folder):
        raise UsageError(f"--cache-dir {folder}: is a URL; give a folder on a disk that all workers see.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--cache-dir {folder}: is a file; give a folder.")
    return CacheSpec(folder=str(folder.absolute()), limit_bytes=int(gigabytes * 1e9))
