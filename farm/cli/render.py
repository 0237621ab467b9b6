"""`farm render`, `farm batch` and `farm assemble`: render frames and make outputs from them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from farm.api import JobPlan, make_executor, render_plans
from farm.cli.options import (
    Address,
    AllowInputs,
    AllowModels,
    CacheDir,
    CacheSize,
    ChunksPerShard,
    ChunkTimeout,
    Inline,
    JobUrl,
    Json,
    Manifests,
    ManifestTimeout,
    MaxFailedFrames,
    OutputDir,
    Procedural,
    Set,
    Untrusted,
    Workers,
    make_cache,
    plan_all,
    read_policy,
)
from farm.cli.output import (
    echo,
    echo_json,
    format_frames,
    format_table,
    note_nothing_started,
    print_error,
    print_warnings,
)
from farm.cli.signals import interruption
from farm.console import errors
from farm.errors import ManifestError, one_line
from farm.events import Event, JobFinished
from farm.execute import Executor, RetryPolicy
from farm.progress import ProgressView
from farm.reduce import EnvironmentShare, Summary
from farm.results import EXIT_CODES, AssembledOutputs, assemble_outputs, exit_code
from farm.run import MANIFEST_SECONDS, BatchGallery, Gathered, gather
from farm.units import format_duration, format_size

_DEFAULTS = RetryPolicy()


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
    chunk_timeout: ChunkTimeout = _DEFAULTS.chunk_timeout,
    max_failed_frames: MaxFailedFrames = None,
    as_json: Json = False,
) -> None:
    """Render manifests, keeping frames that are already finished.

    To resume an interrupted run, run the same command again.
    """
    with note_nothing_started():
        plans = plan_all(
            manifests,
            overrides,
            output_dir=output_dir,
            procedural=procedural,
            reads=read_policy(allow_inputs, allow_models, untrusted=untrusted),
        )
    executor = make_executor(
        [plan.job for plan in plans],
        workers=workers,
        address=address,
        inline=inline,
        policy=RetryPolicy(chunk_timeout=chunk_timeout, max_failed_frames=max_failed_frames),
        cache=make_cache(cache_dir, cache_gb),
    )
    summaries = _run(plans, executor, chunks_per_shard)
    if as_json:
        echo_json([dataclasses.asdict(summary) for summary in summaries])
    else:
        for plan, summary in zip(plans, summaries, strict=True):
            echo(summary_text(summary, plan.folder, has_report=plan.job.plan.outputs.report))
    raise typer.Exit(exit_code(summaries))


def batch(
    folder: Annotated[Path, typer.Argument(help="Folder of manifests.", metavar="DIR")],
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
    chunk_timeout: ChunkTimeout = _DEFAULTS.chunk_timeout,
    manifest_timeout: ManifestTimeout = MANIFEST_SECONDS,
    max_failed_frames: MaxFailedFrames = None,
    as_json: Json = False,
) -> None:
    """Render every manifest in a folder.

    Invalid manifests and failed jobs do not stop the others. Manifests may read pictures and checkpoints below the
    folder, and what --allow-inputs and --allow-models allow.
    """
    gathered = gather(
        folder,
        overrides=overrides or (),
        output_dir=output_dir,
        procedural=procedural,
        seconds=manifest_timeout,
        reads=read_policy(allow_inputs, allow_models, untrusted=True),
    )
    for error in gathered.broken.values():
        print_error(error)
    jobs = list(gathered.jobs.values())
    executor = make_executor(
        jobs,
        workers=workers,
        address=address,
        inline=inline,
        policy=RetryPolicy(chunk_timeout=chunk_timeout, max_failed_frames=max_failed_frames),
        cache=make_cache(cache_dir, cache_gb),
    )
    gallery = BatchGallery(output_dir, gathered.broken)
    with gallery:
        summaries = _run(list(map(JobPlan, jobs)), executor, chunks_per_shard, gallery) if jobs else ()
    page = gallery.finish()
    if as_json:
        echo_json(
            {
                "gallery": page,
                "jobs": [dataclasses.asdict(summary) for summary in summaries],
                "broken": {
                    str(path): [dataclasses.asdict(problem) for problem in error.problems]
                    for path, error in gathered.broken.items()
                },
            }
        )
    else:
        echo(batch_table(gathered, summaries, page))
    raise typer.Exit(exit_code(summaries, broken=len(gathered.broken)))


def assemble(
    folder: JobUrl,
    as_json: Json = False,
) -> None:
    """Assemble GIF, MP4, sheets and table from finished frames.

    Nothing is rendered, so neither the model nor the input pictures are needed.
    """
    assembled = assemble_outputs(folder)
    if as_json:
        echo_json(dataclasses.asdict(assembled))
    else:
        echo(assembly_text(assembled, folder))
    is_complete = assembled.frames == assembled.planned and not assembled.errors
    raise typer.Exit(0 if is_complete else EXIT_CODES["partial"])


def _run(
    plans: Sequence[JobPlan],
    executor: Executor,
    chunks_per_shard: int | None,
    also_notify: Callable[[Event], None] = lambda _: None,
) -> tuple[Summary, ...]:
    print_warnings(plans)
    # Ray reports dead workers on standard output.
    with ProgressView(errors) as view, contextlib.redirect_stdout(sys.stderr):

        def on_event(event: Event) -> None:
            view(event)
            also_notify(event)
            if not isinstance(event, JobFinished):  # a run that is ending is not interrupted again
                interruption.check()

        return render_plans(plans, executor, on_event, chunks_per_shard=chunks_per_shard)


# --- results as text -------------------------------------------------------------------------------------


def summary_text(summary: Summary, folder: str, *, has_report: bool = False) -> str:
    """Return a few lines on what a job made, where, and how long it took."""
    counts = summary.frames
    lines = [f"{summary.name}: {summary.state}, {_frames(summary)} in {format_duration(summary.seconds)}"]
    if counts.rendered:
        seconds = sum(worker.seconds for worker in summary.workers)
        frames = sum(worker.frames for worker in summary.workers) or 1
        lines[0] += f" ({counts.rendered / summary.seconds:.2f} frames/s, {seconds / frames:.2f} s per frame)"
    if summary.error:
        lines.append(f"  {one_line(summary.error)}")
    lines += [f"  {format_frames(failed)} missing: {one_line(failed.reason)}" for failed in summary.failures]
    lines += [f"  {format_frames(noted)}: {one_line(noted.reason)}" for noted in summary.remarks]
    lines += _mixed_environments(summary.environments)
    lines.append(f"  {folder}")
    lines += [f"    {output.name:<24} {format_size(output.bytes):>9}" for output in summary.outputs]
    if counts.finished:
        lines.append(f"    {'metadata.parquet':<24} {counts.finished:>5} rows")
    if has_report:
        lines.append("    report.html              everything on one page")
    return "\n".join(lines)


def _mixed_environments(shares: Sequence[EnvironmentShare]) -> list[str]:
    """Return a warning with the settings that differ, if the frames come from several environments."""
    if len(shares) < 2:
        return []
    keys = sorted({key for share in shares for key in share.environment})
    values = {key: {json.dumps(share.environment.get(key)) for share in shares} for key in keys}
    differing = ", ".join(key for key in keys if len(values[key]) > 1)
    counts = " and ".join(str(share.frames) for share in shares)
    return [
        f"  {counts} frames come from environments that differ in {differing}: equal bits are guaranteed only within "
        "one environment; farm verify compares them."
    ]


def _frames(summary: Summary) -> str:
    counts = summary.frames
    kept = f", {counts.kept} kept" if counts.kept else ""
    failed = f", {counts.failed} failed" if counts.failed else ""
    cached = f", {counts.cached} from the cache" if counts.cached else ""
    return f"{counts.rendered} of {counts.planned} frames rendered{cached}{kept}{failed}"


def batch_table(gathered: Gathered, summaries: Sequence[Summary], gallery: str) -> str:
    """Return a table with the result of each manifest, followed by the path of the gallery, if any."""
    rows = [("manifest", "state", "frames", "time", "")]
    for (path, job), summary in zip(gathered.jobs.items(), summaries, strict=True):
        frames = f"{summary.frames.finished}/{summary.frames.planned}"
        detail = summary.error or (
            summary.failures[0].reason if summary.failures else job.folder.path("").rstrip("/")
        )
        rows.append((path.name, summary.state, frames, format_duration(summary.seconds), detail))
    rows += [
        (path.name, "refused", "", "", f"{_mistakes(error)}, listed above")
        for path, error in gathered.broken.items()
    ]
    return "\n".join([format_table(rows), *([gallery] if gallery else [])])


def assembly_text(assembled: AssembledOutputs, folder: str) -> str:
    """Return a few lines on what was assembled."""
    lines = [f"{assembled.name}: {assembled.frames} of {assembled.planned} frames"]
    lines += [f"  {format_frames(part)} missing: {one_line(part.reason)}" for part in assembled.missing]
    lines += [f"  {one_line(error)}" for error in assembled.errors]
    lines += [
        f"  {folder}",
        *(f"    {output.name:<24} {format_size(output.bytes):>9}" for output in assembled.outputs),
    ]
    return "\n".join(lines)


def _mistakes(error: ManifestError) -> str:
    return "1 mistake" if len(error.problems) == 1 else f"{len(error.problems)} mistakes"
