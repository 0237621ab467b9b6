"""The contents of a job's page, from its plan, summary and measurements."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from farm import report
from farm.analyze import Insights
from farm.manifest import Manifest
from farm.manifest.model import Model
from farm.manifest.sources import SOURCE_LISTS
from farm.plan import Plan
from farm.plan.layout import grid_of
from farm.plan.motions import GridMotion, StillsMotion, SweepMotion
from farm.records import Column, Scalar, SchedulerSpec, Value
from farm.reduce import FrameRange, Summary
from farm.report import Chart, ChartCurve
from farm.results.measurements import Findings, moves
from farm.rules.load import parse

_MAX_CAPTION = 160
"""Characters: readable at a glance."""


def captions(plan: Plan) -> tuple[str, ...]:
    """Return a caption for every frame: the arguments of a sweep, row and column of a grid, seed and prompt of stills.

    Empty for an animation.
    """
    if moves(plan):
        return ()
    motion, layout = plan.motion, grid_of(plan.motion)
    if isinstance(motion, GridMotion):
        cells = (divmod(frame, motion.columns) for frame in range(plan.frame_count))
        return tuple(f"row {row + 1}, column {column + 1}" for row, column in cells)
    if layout is not None:
        rows = layout.row_labels or ("",)
        pairs = ((row, column) for row in rows for column in layout.column_labels)
        return tuple(_short(", ".join(filter(None, pair))) for pair in pairs)
    if isinstance(motion, StillsMotion):
        return tuple(_of_still(plan, frame) for frame in range(plan.frame_count))
    return ()


def _of_still(plan: Plan, frame: int) -> str:
    point = plan.motion.at(frame)
    return _short(f"seed {point.noise.seeds[0]}: {point.conditioning.prompts[0]}")


def _short(text: str) -> str:
    return text if len(text) <= _MAX_CAPTION else f"{text[: _MAX_CAPTION - 1]}…"


_CLASSIFIER = "classifier"
_MAX_CURVES = 8
"""Curves in a chart of classes or prompts: as many colours as can be distinguished."""
_CHANGE = "rgb_change"
"""A column of the group of changes between frames, which are meaningless for independent pictures."""


def charts(plan: Plan, findings: Findings | None) -> Iterator[Chart]:
    """Yield the charts of measurements, then those of changing prompts and arguments.

    For independent pictures, values are points, and there is no chart of the changes between frames.
    """
    points = not moves(plan)
    if findings is not None:
        groups: dict[str, list[Column]] = {}
        for column in findings.columns:
            if column.group and column.kind == "float":
                groups.setdefault(column.group, []).append(column)
        for title, members in groups.items():
            if points and any(column.name == _CHANGE for column in members):
                continue
            chart = _classes(findings) if title == _CLASSIFIER else _measured(title, members, findings)
            yield dataclasses.replace(chart, points=points)
    if not points:
        yield from _prompts(plan)
    for chart in _arguments(plan):
        yield dataclasses.replace(chart, points=points)


def _measured(title: str, members: Sequence[Column], findings: Findings) -> Chart:
    return Chart(
        title=_title(title),
        unit=members[0].unit if len({column.unit for column in members}) == 1 else "",
        probabilities=all(column.unit == "probability" for column in members),
        curves=tuple(
            ChartCurve(label=column.label, values=tuple(map(_number, findings.curves[column.name])))
            for column in members
        ),
    )


def _title(group: str) -> str:
    return f"CLIP{group[4:]}" if group.startswith("clip ") else group[:1].upper() + group[1:]


def _classes(findings: Findings) -> Chart:
    """Chart the classes that are the likeliest in some frame, in all frames that have them among the top classes."""
    curves = findings.curves
    count = len(curves["classifier_label_1"])
    often = Counter(str(label) for label in curves["classifier_label_1"] if label is not None)
    lines: dict[str, list[float | None]] = {
        label: [None] * count for label, _ in often.most_common(_MAX_CURVES)
    }
    rank = 1
    while (labels := curves.get(f"classifier_label_{rank}")) is not None:
        for frame, (label, value) in enumerate(
            zip(labels, curves[f"classifier_probability_{rank}"], strict=True)
        ):
            if label in lines:
                lines[str(label)][frame] = _number(value)
        rank += 1
    top = rank - 1
    return Chart(
        title="Classifier",
        unit="probability",
        probabilities=True,
        description=f"Each class is drawn where it is {f'among the {top} likeliest' if top > 1 else 'the likeliest'}.",
        curves=tuple(ChartCurve(label=label, values=tuple(values)) for label, values in lines.items()),
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _prompts(plan: Plan) -> Iterator[Chart]:
    """Chart the share of each prompt in each frame."""
    shares: dict[str, list[float | None]] = {}
    for frame in range(plan.frame_count):
        conditioning = plan.motion.at(frame).conditioning
        for prompt, weight in zip(conditioning.prompts, conditioning.weights, strict=True):
            if prompt not in shares:
                shares[prompt] = [0.0] * plan.frame_count
            shares[prompt][frame] = weight
        if len(shares) > _MAX_CURVES:
            return
    if len(shares) > 1:
        yield Chart(
            title="Prompts",
            unit="share",
            probabilities=True,
            curves=tuple(ChartCurve(label=prompt, values=tuple(values)) for prompt, values in shares.items()),
        )


def _arguments(plan: Plan) -> Iterator[Chart]:
    for name, curve in sorted(plan.curves.items())[:_MAX_CURVES]:
        values = tuple(curve.at(frame) for frame in range(plan.frame_count))
        yield Chart(title=name, curves=(ChartCurve(label=name, values=values),))


_NAMES = {"controlnets": "ControlNet", "ip_adapters": "IP-Adapter", "loras": "LoRA"}


def settings_of(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the settings that determine a job's frames; for a swept setting, all its values."""
    manifest = parse(plan.manifest_text, Path("manifest.yaml")).manifest
    swept = _swept(plan)
    yield "frames", f"{plan.frame_count}, {plan.batch_size} per model call"
    yield _seed(plan, manifest)
    for name, text in _model(manifest.model):
        if name not in swept:
            yield name, text
    for name, value in sorted({**plan.arguments, **swept}.items()):
        if value is not None:
            yield name, str(value)
    for name, curve in sorted(plan.curves.items()):
        if name not in swept:
            yield name, f"{curve.values[0]:g} to {curve.values[-1]:g}, in {len(curve.keyframes)} keyframes"


def _swept(plan: Plan) -> dict[str, str]:
    if not isinstance(plan.motion, SweepMotion):
        return {}
    return {name: ", ".join(map(_text, values)) for name, values in plan.motion.axes}


def _seed(plan: Plan, manifest: Manifest) -> tuple[str, str]:
    """Return the seeds that a manifest lists; otherwise its own, and whether frames have seeds derived from it."""
    kind = manifest.animation
    listed = getattr(kind, "seeds", None) or getattr(kind.noise, "seeds", None)
    if listed:
        return "seeds", ", ".join(map(str, listed))
    own = plan.frame_count == 0 or manifest.seed in plan.motion.at(0).noise.seeds
    return "seed", f"{manifest.seed}" if own else f"{manifest.seed}; frames have seeds derived from it"


def _model(model: Model) -> Iterator[tuple[str, str]]:
    yield "pipeline", model.pipeline
    yield "checkpoint", _named(model.pretrained, model.revision)
    if model.refiner is not None:
        yield "refiner", _named(model.refiner.pretrained, model.refiner.revision)
    for field in SOURCE_LISTS:
        for part in getattr(model, field):
            name = _NAMES.get(field, field.removesuffix("s").replace("_", " "))
            yield name, _named(part.pretrained, part.revision)
    if model.scheduler is not None:
        yield "scheduler", _scheduler(model.scheduler.class_, model.scheduler.config)
    yield "torch_dtype", model.torch_dtype


def _text(value: Scalar | SchedulerSpec) -> str:
    return _scheduler(value.class_name, value.config) if isinstance(value, SchedulerSpec) else str(value)


def _scheduler(name: str, config: Mapping[str, object]) -> str:
    settings = ", ".join(f"{key}={value}" for key, value in sorted(config.items()))
    return f"{name} ({settings})" if settings else name


def _named(pretrained: str, revision: str | None) -> str:
    return f"{pretrained} at {revision}" if revision else pretrained


_FPS = 10.0


def page_of(
    plan: Plan,
    frames: Sequence[int],
    summary: Summary,
    findings: Findings | None,
    *,
    refresh_seconds: float = 0.0,
) -> report.ReportData:
    """Return the page of a job with the finished `frames`; with `refresh_seconds` the job is still running."""
    gif, mp4 = plan.outputs.gif, plan.outputs.mp4
    is_running = refresh_seconds > 0
    return report.ReportData(
        name=plan.name,
        description=plan.description,
        kind=plan.kind,
        state="running" if is_running else summary.state,
        frame_count=plan.frame_count,
        frames=tuple(frames),
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        started_at=summary.started_at,
        finished_at="" if is_running else summary.finished_at,
        seconds=summary.seconds if is_running or summary.frames.rendered else 0.0,
        error=summary.error,
        fps=gif.fps if gif else mp4.fps if mp4 else _FPS,
        rubber_band=gif.rubber_band if gif else False,
        captions=captions(plan),
        charts=tuple(charts(plan, findings)),
        failures=_spans(summary.failures, plan.frame_count),
        remarks=_spans(summary.remarks, plan.frame_count),
        settings=_facts(settings_of(plan)),
        manifest=plan.manifest_text,
        workers=tuple(report.WorkerTime(**asdict(worker)) for worker in summary.workers),
        environments=tuple(
            report.Environment(facts=_facts(sorted(one.environment.items())), frames=one.frames)
            for one in summary.environments
        ),
        files=tuple(_files(summary, frames, is_running=is_running)),
        refresh_seconds=refresh_seconds,
        **(_insights(findings.insights) if findings else {}),
    )


def _files(summary: Summary, frames: Sequence[int], *, is_running: bool) -> Iterator[report.FileLink]:
    for output in summary.outputs:
        yield report.FileLink(path=output.name, bytes=output.bytes)
    if frames:
        yield report.FileLink(path="frames/")
    if frames and not is_running:
        yield report.FileLink(path="metadata.parquet")
    yield report.FileLink(path="manifest.yaml")
    if not is_running:
        yield report.FileLink(path="summary.json")


def _insights(insights: Insights) -> dict[str, Any]:
    """Return the fields of a page for the insights of a job."""
    flags = [("blank", frame, "a single colour") for frame in insights.blank]
    flags += [("outlier", frame, "unlike both neighbours") for frame in insights.outliers]
    return {
        "insights": insights.sentences,
        "agreement": _confusion_matrix(insights),
        "flagged": tuple(
            report.FlaggedFrame(frame=frame, flag=flag, reason=reason)  # type: ignore[arg-type]
            for flag, frame, reason in sorted(flags, key=lambda flagged: flagged[1])
        ),
    }


def _confusion_matrix(insights: Insights) -> report.ConfusionMatrix | None:
    found = insights.agreement
    if found is None:
        return None
    return report.ConfusionMatrix(
        first="CLIP",
        second="the classifier",
        rate=found.rate,
        labels=found.labels,
        counts=found.counts,
        examples=tuple(
            report.ConfusionExample(frame=one.frame, first=one.clip, second=one.classifier)
            for one in found.examples
        ),
    )


def _spans(ranges: Sequence[FrameRange], frame_count: int) -> tuple[report.FrameSpan, ...]:
    """Return the ranges within the plan; the last run may have had more frames."""
    return tuple(
        report.FrameSpan(first=part.first, last=min(part.last, frame_count - 1), reason=part.reason)
        for part in ranges
        if part.first < frame_count
    )


def _facts(pairs: Iterator[tuple[str, object]] | list[tuple[str, object]]) -> tuple[report.Setting, ...]:
    return tuple(report.Setting(name=name, value=str(value)) for name, value in pairs)
