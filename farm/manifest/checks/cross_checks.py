"""Rules between fields, asked of whatever is right by itself.

pydantic skips a model's own validators once one of its fields is wrong. These rules look at the plain data
instead, in which wrong values were replaced by `WRONG`: no rule matches that, so each mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.checks.analysis_checks import analysis_checks
from farm.manifest.checks.animation_checks import animation_checks
from farm.manifest.checks.asked import asked
from farm.manifest.checks.controlnet_checks import controlnet_checks
from farm.manifest.checks.image_prompt_checks import image_prompt_checks
from farm.manifest.checks.keyframe_checks import keyframe_checks
from farm.manifest.checks.output_checks import output_checks
from farm.manifest.checks.pacing_checks import pacing_checks
from farm.manifest.checks.picture_checks import picture_checks
from farm.manifest.checks.pipeline_checks import pipeline_checks
from farm.manifest.checks.scheduler_checks import scheduler_checks
from farm.manifest.checks.single_file_checks import single_file_checks
from farm.manifest.checks.source_checks import source_checks
from farm.manifest.checks.step_checks import step_checks
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.sources import SCORING_MODELS, is_hub_id, written_sources

WRONG = object()
"""Stands where a value was that is wrong by itself."""

Data = Mapping[Any, Any]


def cross_checks(data: Data, wrong: set[FieldPath]) -> Iterator[Finding]:
    """Yields every mistake between fields, except in fields whose own value is `wrong`."""
    manifest = _marked(data, wrong, ())
    for check in (
        _hub_pins,
        source_checks,
        _animation,
        pacing_checks,
        keyframe_checks,
        output_checks,
        _pipeline,
        analysis_checks,
    ):
        yield from (finding for finding in check(manifest) if finding.path not in wrong)


def _marked(value: Any, wrong: set[FieldPath], path: FieldPath) -> Any:
    if path in wrong:
        return WRONG
    if isinstance(value, dict):
        return {key: _marked(inner, wrong, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, wrong, (*path, position)) for position, inner in enumerate(value)]
    return value


def _hub_pins(manifest: Data) -> Iterator[Finding]:
    match manifest:
        case {"model": dict(model)}:
            for path, source in written_sources(model):
                yield from _hub_pin(source, ("model", *path))
    match manifest:
        case {"analysis": dict(analysis)}:
            for field in SCORING_MODELS:
                yield from _hub_pin(analysis.get(field), ("analysis", field))


def _hub_pin(source: Any, path: FieldPath) -> Iterator[Finding]:
    match source:
        case {"pretrained": str(hub_id)} if is_hub_id(hub_id) and source.get("revision") is None:
            yield Finding(
                path=(*path, "revision"),
                found="missing",
                allowed=f"needed: the full commit of {hub_id}, since a branch moves and the pictures with it",
                hint=f"Take one from https://huggingface.co/{hub_id}/commits/main.",
            )


def _animation(manifest: Data) -> Iterator[Finding]:
    match manifest:
        case {"animation": dict(animation)}:
            yield from animation_checks(animation)


def _pipeline(manifest: Data) -> Iterator[Finding]:
    asks = asked(manifest)
    if asks is not None:
        for check in _OF_PIPELINE:
            yield from check(asks)


_OF_PIPELINE = (
    *(pipeline_checks, single_file_checks, scheduler_checks, step_checks),
    *(picture_checks, controlnet_checks, image_prompt_checks),
)
