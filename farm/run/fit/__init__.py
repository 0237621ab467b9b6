"""Whether the checkpoints of a manifest fit together, by their configuration and the shapes of their weights alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from farm.errors import ManifestError, Problem
from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.plan import Plan
from farm.records import DiffusersSpec, PictureSource, ProceduralSpec, RendererSpec
from farm.render.checkpoints.architecture import read_architecture
from farm.run.fit.clip_skip import clip_skip_findings
from farm.run.fit.controlnet import controlnet_findings
from farm.run.fit.edges import edge_remarks
from farm.run.fit.idle import idle_remarks
from farm.run.fit.idle_by_config import idle_by_config_remarks
from farm.run.fit.inversion import inversion_findings
from farm.run.fit.ip_adapter import ip_adapter_findings
from farm.run.fit.judges import judge_remarks
from farm.run.fit.lora import lora_findings
from farm.run.fit.outputs import output_findings
from farm.run.fit.picture_contents import content_findings
from farm.run.fit.picture_sizes import size_misfits, size_remarks, sized_pictures
from farm.run.fit.pipeline import config_findings, pipeline_findings, refiner_findings
from farm.run.fit.prompts import prompt_remarks
from farm.run.fit.samplers import own_sampler, own_sampler_findings, sampler_findings
from farm.run.fit.size import size_findings
from farm.run.fit.steps import step_findings
from farm.run.fit.variant import variant_findings
from farm.run.fit.weights_in_words import weight_remarks


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
