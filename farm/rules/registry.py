"""The rules, in the order of their application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from farm.errors import Problem
from farm.inputs.resolved import ResolvedInputs
from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.sources import SCORING_MODELS, is_hub_id, written_sources
from farm.rules.adapters import image_prompt_checks, inversion_findings, ip_adapter_findings, lora_findings
from farm.rules.analysis import analysis_checks, scoring_model_warnings
from farm.rules.animation import animation_checks, keyframe_checks
from farm.rules.context import Context, written_manifest
from farm.rules.controlnets import controlnet_checks, controlnet_findings
from farm.rules.no_effect import configuration_warnings, no_effect_warnings
from farm.rules.outputs import output_checks
from farm.rules.pacing import pacing_checks
from farm.rules.pictures import (
    canvas_findings,
    edge_warnings,
    mask_and_depth_findings,
    moving_picture_findings,
    picture_checks,
    picture_size_findings,
    picture_size_warnings,
)
from farm.rules.pipeline import (
    clip_skip_findings,
    config_findings,
    pipeline_checks,
    pipeline_findings,
    refiner_findings,
    single_file_checks,
    size_findings,
    variant_findings,
)
from farm.rules.prompts import length_warnings, syntax_findings, weight_warnings
from farm.rules.schedulers import own_scheduler_findings, package_findings, scheduler_checks, setting_findings
from farm.rules.sources import source_checks
from farm.rules.steps import step_checks, step_findings

Rule = Callable[[Context], Iterator[Finding]]

COMPATIBILITY_RULES: tuple[Rule, ...] = (
    *(package_findings, setting_findings, own_scheduler_findings, step_findings),
    *(pipeline_findings, config_findings, refiner_findings, variant_findings, clip_skip_findings),
    *(controlnet_findings, ip_adapter_findings, inversion_findings, lora_findings, size_findings),
    *(canvas_findings, moving_picture_findings, picture_size_findings, mask_and_depth_findings),
    syntax_findings,
)
"""Rules that reject a manifest with valid fields because of its resolved inputs."""

WARNING_RULES: tuple[Rule, ...] = (
    *(no_effect_warnings, configuration_warnings, length_warnings, weight_warnings),
    *(picture_size_warnings, edge_warnings, scoring_model_warnings),
)
"""Rules about manifests that can be rendered, but not exactly as written."""


def check_compatibility(document: Document, inputs: ResolvedInputs) -> list[Problem]:
    """Return every mistake between a manifest and its inputs, or among the inputs.

    If inputs are not on this machine yet, such as a hub id that was never loaded, the worker that loads them checks
    them.
    """
    return _apply(COMPATIBILITY_RULES, document, inputs)


def warnings(document: Document, inputs: ResolvedInputs) -> tuple[str, ...]:
    """Return a warning for everything that is not rendered as written; none for the procedural renderer."""
    return tuple(map(str, _apply(WARNING_RULES, document, inputs))) if inputs.model else ()


def problems_of(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    """Return findings as problems with their locations in the manifest."""
    return [document.problem(each.path, each.found, each.allowed, each.hint) for each in findings]


def _apply(rules: Iterable[Rule], document: Document, inputs: ResolvedInputs) -> list[Problem]:
    context = Context(manifest=document.manifest, inputs=inputs)
    return problems_of(document, (finding for rule in rules for finding in rule(context)))


INVALID = object()
"""Placeholder for a value that is invalid by itself."""

Data = Mapping[Any, Any]


def cross_checks(data: Data, invalid: set[FieldPath]) -> Iterator[Finding]:
    """Yield every mistake between fields, except in fields whose own value is `invalid`."""
    manifest = _masked(data, invalid, ())
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
        yield from (finding for finding in check(manifest) if finding.path not in invalid)


def _masked(value: Any, invalid: set[FieldPath], path: FieldPath) -> Any:
    if path in invalid:
        return INVALID
    if isinstance(value, dict):
        return {key: _masked(inner, invalid, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, invalid, (*path, position)) for position, inner in enumerate(value)]
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
                allowed=f"needed: the full commit of {hub_id}, since pictures would change with a branch",
                hint=f"Take one from https://huggingface.co/{hub_id}/commits/main.",
            )


def _animation(manifest: Data) -> Iterator[Finding]:
    match manifest:
        case {"animation": dict(animation)}:
            yield from animation_checks(animation)


def _pipeline(manifest: Data) -> Iterator[Finding]:
    written = written_manifest(manifest)
    if written is not None:
        for check in _PIPELINE_CHECKS:
            yield from check(written)


_PIPELINE_CHECKS = (
    *(pipeline_checks, single_file_checks, scheduler_checks, step_checks),
    *(picture_checks, controlnet_checks, image_prompt_checks),
)
