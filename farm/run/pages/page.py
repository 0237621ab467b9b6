"""What the page of a job shows: from its plan, its summary, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from farm import report
from farm.analyze import Account
from farm.plan import Plan
from farm.reduce import FrameRange, Summary
from farm.run.measure.findings import Findings
from farm.run.pages.captions import captions
from farm.run.pages.charts import charts
from farm.run.pages.settings import settings_of

_FPS = 10.0


def page_of(
    plan: Plan,
    frames: Sequence[int],
    summary: Summary,
    findings: Findings | None,
    *,
    refresh_seconds: float = 0.0,
) -> report.ReportData:
    """Return the page of a job of which `frames` are there; with `refresh_seconds` it still runs."""
    gif, mp4 = plan.outputs.gif, plan.outputs.mp4
    runs = refresh_seconds > 0
    return report.ReportData(
        name=plan.name,
        description=plan.description,
        kind=plan.kind,
        state="running" if runs else summary.state,
        frame_count=plan.frame_count,
        frames=tuple(frames),
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        started_at=summary.started_at,
        finished_at="" if runs else summary.finished_at,
        seconds=summary.seconds if runs or summary.frames.rendered else 0.0,
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
        files=tuple(_files(summary, frames, runs)),
        refresh_seconds=refresh_seconds,
        **(_told(findings.account) if findings else {}),
    )


def _files(summary: Summary, frames: Sequence[int], runs: bool) -> Iterator[report.FileLink]:
    for output in summary.outputs:
        yield report.FileLink(path=output.name, bytes=output.bytes)
    if frames:
        yield report.FileLink(path="frames/")
    if frames and not runs:
        yield report.FileLink(path="metadata.parquet")
    yield report.FileLink(path="manifest.yaml")
    if not runs:
        yield report.FileLink(path="summary.json")


def _told(account: Account) -> dict[str, Any]:
    """What the account of a job says on its page."""
    flags = [("blank", frame, "all of one colour") for frame in account.blank]
    flags += [("outlier", frame, "unlike both of its neighbours") for frame in account.outliers]
    return {
        "account": tuple(
            report.Sentence(text=sentence.text, frames=sentence.frames, places=sentence.places)
            for sentence in account.sentences
        ),
        "agreement": _agreement(account),
        "flagged": tuple(
            report.FlaggedFrame(frame=frame, flag=flag, reason=reason)  # type: ignore[arg-type]
            for flag, frame, reason in sorted(flags, key=lambda flagged: flagged[1])
        ),
    }


def _agreement(account: Account) -> report.Agreement | None:
    found = account.agreement
    if found is None:
        return None
    return report.Agreement(
        first="CLIP",
        second="the classifier",
        rate=found.rate,
        labels=found.labels,
        counts=found.counts,
        examples=tuple(
            report.Disagreement(frame=one.frame, first=one.clip, second=one.classifier)
            for one in found.examples
        ),
    )


def _spans(ranges: Sequence[FrameRange], frame_count: int) -> tuple[report.FrameSpan, ...]:
    """Return ranges as far as the plan goes, which the last run's may have gone beyond."""
    return tuple(
        report.FrameSpan(first=part.first, last=min(part.last, frame_count - 1), reason=part.reason)
        for part in ranges
        if part.first < frame_count
    )


def _facts(pairs: Iterator[tuple[str, object]] | list[tuple[str, object]]) -> tuple[report.Setting, ...]:
    return tuple(report.Setting(name=name, value=str(value)) for name, value in pairs)
