"""Whether the checkpoints of a manifest fit together, by their configuration and the shapes of their weights alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from farm.errors import ManifestError, Problem
from farm.inputs.checkpoints.info import read_architecture
from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.manifest.sources import SCORING_MODELS, is_hub_id, written_sources
from farm.plan import Plan
from farm.records import DiffusersSpec, PictureSource, ProceduralSpec, RendererSpec
from farm.rules.adapters import image_prompt_checks, inversion_findings, ip_adapter_findings, lora_findings
from farm.rules.analysis import analysis_checks, judge_remarks
from farm.rules.animation import animation_checks, keyframe_checks
from farm.rules.context import asked
from farm.rules.controlnets import controlnet_checks, controlnet_findings
from farm.rules.no_effect import idle_by_config_remarks, idle_remarks
from farm.rules.outputs import output_checks, output_findings
from farm.rules.pacing import pacing_checks
from farm.rules.picture_contents import content_findings, edge_remarks
from farm.rules.pictures import canvas_problems, picture_checks, size_misfits, size_remarks, sized_pictures
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
from farm.rules.prompts import prompt_remarks, weight_remarks
from farm.rules.schedulers import own_sampler, own_sampler_findings, sampler_findings, scheduler_checks
from farm.rules.sources import source_checks
from farm.rules.steps import step_checks, step_findings


def refuse_misfits(document: Document, renderer: RendererSpec) -> None:
    """Make sure that what a manifest puts together fits.

    Of what is not on this machine yet, as a hub id that was never loaded, nothing is known: the worker that loads it
    will tell.

    Raises:
        ManifestError: with whatever does not fit, each at its place in the manifest.
    """
    if isinstance(renderer, DiffusersSpec):
        _refuse(document, _findings(document, renderer))


def refuse_pictures(
    document: Document, renderer: RendererSpec | None, pictures: Mapping[str, PictureSource]
) -> None:
    """Make sure that pictures fit each other and the model, and hold what they are for; `pictures` by whole paths.

    Where no `renderer` was found nothing is known of the sizes that they are worked with.

    Raises:
        ManifestError: with whatever does not, each at its place in the manifest.
    """
    if renderer is None or isinstance(renderer, DiffusersSpec):
        model = read_architecture(renderer.source) if renderer else None
        sized = sized_pictures(document, pictures, model)
        _refuse(document, [*size_misfits(document, sized), *content_findings(document, pictures)])


def refuse_canvas(document: Document, pictures: Mapping[str, PictureSource]) -> None:
    """Make sure that the canvas around the input picture has a size that the model takes; `pictures` as written.

    Raises:
        ManifestError: with each side that does not.
    """
    written = written_pictures(document.manifest)
    image = next((pictures.get(text) for field, text in written if field[:2] == ("render", "image")), None)
    problems = list(canvas_problems(document, image)) if image is not None else []
    if problems:
        raise ManifestError(problems)


def refuse_outputs(document: Document, plan: Plan, drawn: ProceduralSpec) -> None:
    """Make sure that outputs can be made of frames as large as `drawn` ones would be.

    Raises:
        ManifestError: with those that cannot, each at its place in the manifest.
    """
    _refuse(document, output_findings(plan, width=drawn.width, height=drawn.height))


def remarks_on(
    document: Document, renderer: RendererSpec, pictures: Mapping[str, PictureSource]
) -> tuple[str, ...]:
    """Return what will not come out as it is written, although it can be rendered; `pictures` by whole paths."""
    if not isinstance(renderer, DiffusersSpec):
        return ()
    remarks = [
        *idle_remarks(document.manifest, own_sampler(renderer)),
        *idle_by_config_remarks(document.manifest, renderer),
        *prompt_remarks(document.manifest, renderer),
        *weight_remarks(document.manifest),
        *size_remarks(sized_pictures(document, pictures, read_architecture(renderer.source))),
        *edge_remarks(document, pictures),
        *judge_remarks(document),
    ]
    return tuple(map(str, _problems(document, remarks)))


def _refuse(document: Document, findings: Iterable[Finding]) -> None:
    problems = _problems(document, findings)
    if problems:
        raise ManifestError(problems)


def _problems(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    return [
        document.problem(finding.path, finding.found, finding.allowed, finding.hint) for finding in findings
    ]


def _findings(document: Document, spec: DiffusersSpec) -> Iterator[Finding]:
    yield from sampler_findings(document.manifest, spec)
    yield from clip_skip_findings(document.manifest.render, spec)
    yield from step_findings(document.manifest, spec)
    yield from variant_findings(spec)
    model = read_architecture(spec.source)
    misfits = list(pipeline_findings(spec, model)) if model else []
    yield from misfits or own_sampler_findings(document.manifest, spec)
    if model is None:
        return
    if spec.config is not None:
        yield from config_findings(spec.config, model)
    if spec.refiner is not None:
        yield from refiner_findings(spec.refiner.source, model)
    for number, net in enumerate(spec.controlnets):
        yield from controlnet_findings(("model", "controlnets", number), net, model)
    yield from ip_adapter_findings(spec.ip_adapters, spec.source, model)
    yield from inversion_findings(spec.textual_inversions, model)
    for number, lora in enumerate(spec.loras):
        yield from lora_findings(("model", "loras", number), lora, model)
    yield from size_findings(document.manifest.render, spec.source.pretrained, model)


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
