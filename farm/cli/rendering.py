"""Verbs that make pictures: render, batch, assemble."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from farm.cli.interruption import interruption
from farm.cli.look import Json
from farm.cli.options import (
    Address,
    AllowInputs,
    AllowModels,
    CacheDir,
    CacheSize,
    ChunksPerShard,
    ChunkTimeout,
    Inline,
    Manifests,
    ManifestTimeout,
    MaxFailedFrames,
    OutputDir,
    Procedural,
    Set,
    Untrusted,
    Workers,
    make_cache,
    make_executor,
    prepare_all,
    read_policy,
)
from farm.cli.progress import ProgressView
from farm.cli.speech import (
    assembled,
    closing,
    complain,
    errors,
    night_table,
    or_nothing_started,
    remark,
    say,
    say_json,
)
from farm.events import Event, JobFinished
from farm.execute import Executor, Policy
from farm.reduce import Summary
from farm.results import EXIT_CODES, exit_code, reassemble
from farm.run import MANIFEST_SECONDS, NightGallery, Rates, gather
from farm.run import render as render_jobs
from farm.run.prepare import Job

_PATIENT = Policy()


def render(
    manifests: Manifests,
    workers: Workers = None,
    address: Address = None,
    inline: Inline = False,
    output_dir: OutputDir = "out",
    overrides: Set = None,
    procedural: Procedural = False,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    chunks_per_shard: ChunksPerShard = None,
    cache_dir: CacheDir = None,
    cache_gb: CacheSize = 10.0,
    chunk_timeout: ChunkTimeout = _PATIENT.chunk_timeout,
    max_failed_frames: MaxFailedFrames = None,
    as_json: Json = False,
) -> None:
    """Render manifests; a second run goes on where the first stopped."""
    with or_nothing_started():
        jobs = prepare_all(
            manifests,
            overrides,
            output_dir=output_dir,
            procedural=procedural,
            reads=read_policy(allow_inputs, allow_models, untrusted=untrusted),
        )
    executor = make_executor(
        jobs,
        workers=workers,
        address=address,
        inline=inline,
        policy=Policy(chunk_timeout=chunk_timeout, max_failed_frames=max_failed_frames),
        cache=make_cache(cache_dir, cache_gb),
    )
    summaries = _run(jobs, executor, chunks_per_shard)
    if as_json:
        say_json([dataclasses.asdict(summary) for summary in summaries])
    else:
        for job, summary in zip(jobs, summaries, strict=True):
            folder = job.folder.path("").rstrip("/")
            say(closing(summary, folder, has_page=job.plan.outputs.report))
    raise typer.Exit(exit_code(summaries))


def batch(
    folder: Annotated[Path, typer.Argument(help="A folder of manifests.", metavar="DIR")],
    workers: Workers = None,
    address: Address = None,
    inline: Inline = False,
    output_dir: OutputDir = "out",
    overrides: Set = None,
    procedural: Procedural = False,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    chunks_per_shard: ChunksPerShard = None,
    cache_dir: CacheDir = None,
    cache_gb: CacheSize = 10.0,
    chunk_timeout: ChunkTimeout = _PATIENT.chunk_timeout,
    manifest_timeout: ManifestTimeout = MANIFEST_SECONDS,
    max_failed_frames: MaxFailedFrames = None,
    as_json: Json = False,
) -> None:
    """Render every manifest in a folder in one run; none that is broken or fails stops the others.

    They may read pictures and checkpoints below the folder, and what --allow-inputs and --allow-models allow.
    """
    found = gather(
        folder,
        overrides=overrides or (),
        output_dir=output_dir,
        procedural=procedural,
        seconds=manifest_timeout,
        reads=read_policy(allow_inputs, allow_models, untrusted=True),
    )
    for error in found.broken.values():
        complain(error)
    jobs = list(found.jobs.values())
    executor = make_executor(
        jobs,
        workers=workers,
        address=address,
        inline=inline,
        policy=Policy(chunk_timeout=chunk_timeout, max_failed_frames=max_failed_frames),
        cache=make_cache(cache_dir, cache_gb),
    )
    night = NightGallery(output_dir, found.broken)
    with night:
        summaries = _run(jobs, executor, chunks_per_shard, night) if jobs else ()
    page = night.finish()
    if as_json:
        say_json(
            {
                "gallery": page,
                "jobs": [dataclasses.asdict(summary) for summary in summaries],
                "broken": {
                    str(path): [dataclasses.asdict(problem) for problem in error.problems]
                    for path, error in found.broken.items()
                },
            }
        )
    else:
        say(night_table(found, summaries, page))
    raise typer.Exit(exit_code(summaries, broken=len(found.broken)))


def assemble(
    folder: Annotated[str, typer.Argument(help="A job's output folder or URL.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Assemble GIF, MP4, sheets and table again from the frames that are there.

    Nothing is rendered: neither the model nor input pictures need be there any more.
    """
    made = reassemble(folder)
    if as_json:
        say_json(dataclasses.asdict(made))
    else:
        say(assembled(made, folder))
    is_whole = made.frames == made.planned and not made.errors
    raise typer.Exit(0 if is_whole else EXIT_CODES["partial"])


def _run(
    jobs: Sequence[Job],
    executor: Executor,
    chunks_per_shard: int | None,
    also_tell: Callable[[Event], None] = lambda _: None,
) -> tuple[Summary, ...]:
    remark(jobs)
    # Ray prints to standard output when a worker dies; that is no data.
    with ProgressView(errors) as view, contextlib.redirect_stdout(sys.stderr), executor:

        def tell(event: Event) -> None:
            view(event)
            also_tell(event)
            if not isinstance(event, JobFinished):  # an ended run is not interrupted again
                interruption.check()

        summaries = render_jobs(jobs, executor, tell, chunks_per_shard=chunks_per_shard)
    rates = Rates.of_user()
    for job, summary in zip(jobs, summaries, strict=True):
        rates.learn(job.plan, summary)
    return summaries
