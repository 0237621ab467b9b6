"""CLIP scores of two jobs' frames by one model: as their analyses measured them, or measured now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farm.analyze import misfit_of, open_analyzer
from farm.errors import ModelError, UsageError
from farm.records import AnalysisSpec, ClipSpec, Frame, FrameRow, Pixels, Stretch, Value
from farm.render.checkpoints.source import find_source
from farm.run.finished.rendered import Rendered
from farm.run.finished.standing import is_planned
from farm.run.measure.findings import findings_in
from farm.run.measure.stretches import shown
from farm.store import Ledger

_SCORE = "clip_score"

Score = Callable[[Frame, FrameRow, Pixels], float | None]
"""Returns a frame's CLIP score, or None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScores:
    """The scores of both jobs by `model`. Where it is empty there are none, and `why` says why."""

    model: str
    first: Score
    second: Score
    why: str = ""


def find_clip(pretrained: str, revision: str | None) -> ClipSpec:
    """Return the CLIP model that a user names.

    Raises:
        UsageError: when it is not there, or is no CLIP model.
    """
    try:
        source = find_source(pretrained, revision, Path(), holds="adapter")
        found = f"there is no checkpoint {pretrained!r}"
    except ModelError as error:
        source, found = None, str(error)
    spec = ClipSpec(source=source, groups=(), prompts=()) if source is not None else None
    misfit = misfit_of(spec) if spec is not None else found
    if spec is None or misfit is not None:
        raise UsageError(
            f"--clip {pretrained}: {misfit}; needed: a CLIPModel: a hub id with its commit as --revision, a folder, or "
            "a shipped checkpoint, which farm models lists."
        )
    return spec


def scores_now(clip: ClipSpec) -> ClipScores:
    """Return scores that are measured when they are asked for.

    Raises:
        ModelError: when the model cannot be loaded.
    """
    analyzer = open_analyzer(AnalysisSpec(clip=clip, classifier=None, smoothness=False))

    def score(frame: Frame, row: FrameRow, pixels: Pixels) -> float | None:
        stretch = Stretch(frames=(shown(frame, row),), before=None, after=None)
        [values] = analyzer.measure(stretch, lambda _: pixels)
        return _number(values[_SCORE])

    return ClipScores(model=_named(clip.source.pretrained, clip.source.revision), first=score, second=score)


def scores_measured(first: Rendered, second: Rendered) -> ClipScores:
    """Return the scores that both jobs' analyses measured, if they did with one model.

    Raises:
        StorageError: when they cannot be read.
    """
    (one, its), (other, others) = map(_measured, (first, second))
    if one and one == other:
        return ClipScores(model=one, first=its, second=others)
    if one and other:
        why = f"the jobs were measured with two models, {one} and {other}"
    else:
        why = "not both jobs were measured with CLIP"
    return ClipScores(model="", first=_none, second=_none, why=f"{why}; --clip NAME measures now")


def _measured(job: Rendered) -> tuple[str, Score]:
    """Return the model that a job was measured with, empty for none, and its scores."""
    analysis = job.document.manifest.analysis
    planned = (
        row for row in Ledger(job.folder).rows(last=job.plan.frame_count - 1) if is_planned(job.plan, row)
    )
    found = findings_in(job.plan, job.folder, (shown(job.plan.frame(row.frame), row) for row in planned))
    if analysis is None or analysis.clip is None or found is None or _SCORE not in found.curves:
        return "", _none
    curve = found.curves[_SCORE]
    return _named(analysis.clip.pretrained, analysis.clip.revision), lambda frame, *_: _number(
        curve[frame.index]
    )


def _none(*_: object) -> None:
    return None


def _number(value: Value) -> float | None:
    return None if value is None else float(value)


def _named(pretrained: str, revision: str | None) -> str:
    return f"{pretrained} at {revision}" if revision else pretrained
