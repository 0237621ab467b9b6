"""`farm check` and `farm plan`: validate manifests and preview the work, without rendering."""

from __future__ import annotations

from collections.abc import Iterator

from farm import api
from farm.api import JobPlan
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
    plan_all,
    read_policy,
)
from farm.cli.output import echo, echo_json, format_table, print_warnings
from farm.plan import Plan
from farm.run.pacing import Pacing
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
    plans = plan_all(manifests, overrides, reads=read_policy(allow_inputs, allow_models, untrusted=untrusted))
    print_warnings(plans)
    if as_json:
        echo_json(
            [
                {
                    "manifest": str(path),
                    "name": plan.name,
                    "kind": plan.kind,
                    "frames": len(plan),
                    "remarks": plan.warnings,
                }
                for path, plan in zip(manifests, plans, strict=True)
            ]
        )
        return
    for path, plan in zip(manifests, plans, strict=True):
        echo(f"{path}: ok: {plan.name}, {plan.kind}, {_count(len(plan), 'frame')}")


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
    job_plan = api.plan(
        manifest,
        overrides=overrides or (),
        out=output_dir,
        procedural=procedural,
        reads=read_policy(allow_inputs, allow_models, untrusted=untrusted),
    )
    print_warnings([job_plan])
    if as_json:
        echo_json(_plan_data(job_plan))
        return
    design, pacing = job_plan.job.plan, job_plan.job.pacing
    pilot, calls = pacing.pilot_calls if pacing else (0, 0), job_plan.model_calls
    rows = [
        ("name", job_plan.name),
        ("kind", job_plan.kind),
        ("frames", str(len(job_plan))),
        *_pacing(pacing),
        ("chunks", f"{design.chunk_count} of {_count(design.batch_size, 'frame')}"),
        ("model calls", _calls(pilot, job_plan.chunks_left) + (f", {_steps(design)} each" if calls else "")),
        ("time", _time(job_plan.estimate(), anything_left=bool(calls), at_most=bool(pilot[1]))),
        ("folder", job_plan.folder),
    ]
    echo(format_table(rows))
    for part in job_plan.ranges:
        frames = f"frame {part.first}" if part.count == 1 else f"frames {part.first}-{part.last}"
        echo(f"  {frames}: {part.reason}")


def _plan_data(job_plan: JobPlan) -> dict[str, object]:
    design, pacing = job_plan.job.plan, job_plan.job.pacing
    return {
        "name": job_plan.name,
        "kind": job_plan.kind,
        "folder": job_plan.folder,
        "frames": len(job_plan),
        "batch_size": design.batch_size,
        "chunks": design.chunk_count,
        "model_calls": job_plan.model_calls,
        "kept": job_plan.kept,
        "estimated_seconds": job_plan.estimate(),
        "pacing": pacing
        and {
            "measure": pacing.kind,
            "known": pacing.is_known,
            "pilot_frames": pacing.pilot_frames,
            "pilot_calls": pacing.pilot_calls,
        },
        "ranges": [
            {"first": part.first, "last": part.last, "why": part.reason.value} for part in job_plan.ranges
        ],
    }


def _calls(pilot: tuple[int, int], left: int) -> str:
    return f"{_between(*pilot)} for the pilot, then {left}" if pilot[1] else f"{left}"


def _pacing(pacing: Pacing | None) -> Iterator[tuple[str, str]]:
    if pacing is None:
        return
    if pacing.is_known:
        yield "pacing", f"{pacing.kind}, chosen by an earlier pilot"
    else:
        frames = _between(*pacing.pilot_frames)
        yield "pacing", f"{pacing.kind}: a pilot of {frames} frames chooses the alphas first"


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
