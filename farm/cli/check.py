"""`farm check` and `farm plan`: validate manifests and preview the work, without rendering."""

from __future__ import annotations

from collections.abc import Iterator

from farm.cli.options import (
    AllowInputs,
    AllowModels,
    Json,
    Manifests,
    OneManifest,
    OutputDir,
    Procedural,
    Set,
    Untrusted,
    prepare_all,
    read_policy,
)
from farm.cli.output import echo, echo_json, format_table, print_warnings
from farm.plan import Plan, Range, Why
from farm.run import Rates, prepare
from farm.run.prepare import Job
from farm.units import format_duration


def check(
    manifests: Manifests,
    overrides: Set = None,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    as_json: Json = False,
) -> None:
    """Check manifests: report every mistake with its line and column."""
    jobs = prepare_all(
        manifests, overrides, reads=read_policy(allow_inputs, allow_models, untrusted=untrusted)
    )
    print_warnings(jobs)
    if as_json:
        echo_json(
            [
                {
                    "manifest": str(path),
                    "name": job.plan.name,
                    "kind": job.plan.kind,
                    "frames": job.plan.frame_count,
                    "remarks": job.remarks,
                }
                for path, job in zip(manifests, jobs, strict=True)
            ]
        )
        return
    for path, job in zip(manifests, jobs, strict=True):
        echo(f"{path}: ok: {job.plan.name}, {job.plan.kind}, {_count(job.plan.frame_count, 'frame')}")


def plan(
    manifest: OneManifest,
    overrides: Set = None,
    output_dir: OutputDir = "out",
    procedural: Procedural = False,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    as_json: Json = False,
) -> None:
    """Show what a manifest would render, and how long it would take."""
    job = prepare(
        manifest,
        overrides=overrides or (),
        output_dir=output_dir,
        procedural=procedural,
        reads=read_policy(allow_inputs, allow_models, untrusted=untrusted),
    )
    print_warnings([job])
    ranges = job.remaining()
    left, design = _chunks_left(job, ranges), job.plan
    pilot = job.pacing.pilot_calls if job.pacing else (0, 0)
    calls = left + pilot[1]
    seconds = Rates.of_user().estimate(design, range(calls))
    if as_json:
        echo_json(_plan_data(job, ranges, calls, seconds))
        return
    rows = [
        ("name", design.name),
        ("kind", design.kind),
        ("frames", str(design.frame_count)),
        *_pacing(job),
        ("chunks", f"{design.chunk_count} of {_count(design.batch_size, 'frame')}"),
        ("model calls", _calls(pilot, left) + (f", {_steps(design)} each" if calls else "")),
        ("time", _time(seconds, anything_left=bool(calls), at_most=bool(pilot[1]))),
        ("folder", job.folder.path("").rstrip("/")),
    ]
    echo(format_table(rows))
    for part in ranges:
        frames = f"frame {part.first}" if part.count == 1 else f"frames {part.first}-{part.last}"
        echo(f"  {frames}: {part.why}")


def _plan_data(job: Job, ranges: list[Range], model_calls: int, seconds: float | None) -> dict[str, object]:
    return {
        "name": job.plan.name,
        "kind": job.plan.kind,
        "folder": job.folder.path("").rstrip("/"),
        "frames": job.plan.frame_count,
        "batch_size": job.plan.batch_size,
        "chunks": job.plan.chunk_count,
        "model_calls": model_calls,
        "kept": sum(part.count for part in ranges if part.why is Why.KEPT),
        "estimated_seconds": seconds,
        "pacing": job.pacing
        and {
            "measure": job.pacing.kind,
            "known": job.pacing.is_known,
            "pilot_frames": job.pacing.pilot_frames,
            "pilot_calls": job.pacing.pilot_calls,
        },
        "ranges": [{"first": part.first, "last": part.last, "why": part.why.value} for part in ranges],
    }


def _chunks_left(job: Job, ranges: list[Range]) -> int:
    """Count the chunks left to render: all of them until a pilot has chosen the alphas."""
    needs_pilot = job.pacing is not None and not job.pacing.is_known
    return job.plan.chunk_count if needs_pilot else len(job.to_render(ranges))


def _calls(pilot: tuple[int, int], left: int) -> str:
    return f"{_between(*pilot)} for the pilot, then {left}" if pilot[1] else f"{left}"


def _pacing(job: Job) -> Iterator[tuple[str, str]]:
    if job.pacing is None:
        return
    if job.pacing.is_known:
        yield "pacing", f"{job.pacing.kind}, chosen by an earlier pilot"
    else:
        frames = _between(*job.pacing.pilot_frames)
        yield "pacing", f"{job.pacing.kind}: a pilot of {frames} frames chooses the alphas first"


def _between(least: int, most: int) -> str:
    return f"{most}" if least == most else f"{least} to {most}"


def _steps(design: Plan) -> str:
    frames = range(min(design.frame_count, 1000))
    steps = {int(design.frame(index).recipe.arguments["num_inference_steps"] or 0) for index in frames}
    return f"{_between(min(steps), max(steps))} steps"


def _time(seconds: float | None, *, anything_left: bool, at_most: bool) -> str:
    if not anything_left:
        return "none: every frame is already rendered"
    if seconds is None:
        return "unknown: this model and size have not been rendered on this machine"
    about = "at most about" if at_most else "about"
    return f"{about} {format_duration(seconds)} plus loading, judging by the last run here"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
