"""Verbs that look and render nothing: check, plan, models, schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated

import typer

from farm import models as shipped_models
from farm.cli.options import (
    AllowInputs,
    AllowModels,
    Manifests,
    OneManifest,
    OutputDir,
    Procedural,
    Set,
    Untrusted,
    prepare_all,
    read_policy,
)
from farm.cli.speech import remark, say, say_json, table
from farm.manifest import json_schema
from farm.plan import Plan, Range, Why
from farm.run import Rates, prepare
from farm.run.prepare import Job
from farm.units import format_duration, format_size

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def check(
    manifests: Manifests,
    overrides: Set = None,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    as_json: Json = False,
) -> None:
    """Check manifests: every mistake at once, each with file, line and column."""
    jobs = prepare_all(
        manifests, overrides, reads=read_policy(allow_inputs, allow_models, untrusted=untrusted)
    )
    remark(jobs)
    if as_json:
        say_json(
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
        say(f"{path}: ok: {job.plan.name}, {job.plan.kind}, {_count(job.plan.frame_count, 'frame')}")


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
    """Show what a manifest would render: frames, chunks, model calls, time, and what is already there."""
    job = prepare(
        manifest,
        overrides=overrides or (),
        output_dir=output_dir,
        procedural=procedural,
        reads=read_policy(allow_inputs, allow_models, untrusted=untrusted),
    )
    remark([job])
    ranges = job.remaining()
    left, design = _left(job, ranges), job.plan
    pilot = job.pacing.pilot_calls if job.pacing else (0, 0)
    calls = left + pilot[1]
    seconds = Rates.of_user().estimate(design, range(calls))
    if as_json:
        say_json(_plan_data(job, ranges, calls, seconds))
        return
    rows = [
        ("name", design.name),
        ("kind", design.kind),
        ("frames", str(design.frame_count)),
        *_pacing(job),
        ("chunks", f"{design.chunk_count} of {_count(design.batch_size, 'frame')}"),
        ("model calls", _calls(pilot, left) + (f", each of {_steps(design)}" if calls else "")),
        ("time", _time(seconds, anything_left=bool(calls), at_most=bool(pilot[1]))),
        ("folder", job.folder.path("").rstrip("/")),
    ]
    say(table(rows))
    for part in ranges:
        frames = f"frame {part.first}" if part.count == 1 else f"frames {part.first}-{part.last}"
        say(f"  {frames}: {part.why}")


def models(as_json: Json = False) -> None:
    """List the checkpoints that ship with the farm; a manifest names one as `model.pretrained`."""
    found = shipped_models.shipped()
    if as_json:
        say_json([dataclasses.asdict(model) | {"path": str(model.path)} for model in found])
        return
    say(
        table(
            (model.name, model.architecture, format_size(model.bytes), model.description) for model in found
        )
    )


def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    say_json(json_schema())


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


def _left(job: Job, ranges: list[Range]) -> int:
    """Count the model calls that a job still takes: all of them, while a pilot has not said where its frames are."""
    waits = job.pacing is not None and not job.pacing.is_known
    return job.plan.chunk_count if waits else len(job.to_render(ranges))


def _calls(pilot: tuple[int, int], left: int) -> str:
    least, most = pilot
    some = f"{most}" if least == most else f"{least} to {most}"
    return f"{some} of the pilot, then {left}" if most else f"{left}"


def _pacing(job: Job) -> Iterator[tuple[str, str]]:
    if job.pacing is None:
        return
    if job.pacing.is_known:
        yield "pacing", f"{job.pacing.kind}, as a pilot has chosen before"
        return
    first, most = job.pacing.pilot_frames
    some = f"{first}" if first == most else f"{first} to {most}"
    yield (
        "pacing",
        f"{job.pacing.kind}: a pilot of {some} frames comes first, and chooses the alphas of these",
    )


def _steps(design: Plan) -> str:
    frames = range(min(design.frame_count, 1000))
    steps = {int(design.frame(index).recipe.arguments["num_inference_steps"] or 0) for index in frames}
    return f"{min(steps)} steps" if len(steps) == 1 else f"{min(steps)} to {max(steps)} steps"


def _time(seconds: float | None, *, anything_left: bool, at_most: bool) -> str:
    if not anything_left:
        return "none, every frame is there"
    if seconds is None:
        return "unknown: this model and size have not been rendered on this machine yet"
    about = "at most about" if at_most else "about"
    return (
        f"{about} {format_duration(seconds)} and the loading of the model, at the pace of the last run here"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
