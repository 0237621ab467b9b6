"""Whether the checkpoints of a manifest fit together, by their configuration and the shapes of their weights alone."""

from __future__ import annotations

from collections.abc import Iterator

from farm.errors import ManifestError
from farm.manifest import Document
from farm.manifest.reading.findings import Finding
from farm.records import DiffusersSpec, RendererSpec
from farm.render.checkpoints.architecture import read_architecture
from farm.run.fit.controlnet import controlnet_findings
from farm.run.fit.inversion import inversion_findings
from farm.run.fit.ip_adapter import ip_adapter_findings
from farm.run.fit.lora import lora_findings
from farm.run.fit.pipeline import config_findings, pipeline_findings, refiner_findings
from farm.run.fit.size import size_findings


def refuse_misfits(document: Document, renderer: RendererSpec) -> None:
    """Make sure that what a manifest puts together fits.

    Of what is not on this machine yet, as a hub id that was never loaded, nothing is known: the worker that loads it
    will tell.

    Raises:
        ManifestError: with whatever does not fit, each at its place in the manifest.
    """
    if isinstance(renderer, DiffusersSpec):
        problems = [
            document.problem(finding.path, finding.found, finding.allowed, finding.hint)
            for finding in _findings(document, renderer)
        ]
        if problems:
            raise ManifestError(problems)


def _findings(document: Document, spec: DiffusersSpec) -> Iterator[Finding]:
    model = read_architecture(spec.source)
    if model is None:
        return
    yield from pipeline_findings(spec, model)
    if spec.config is not None:
        yield from config_findings(spec.config, model)
    if spec.refiner is not None:
        yield from refiner_findings(spec.refiner.source, model)
    for number, net in enumerate(spec.controlnets):
        yield from controlnet_findings(("model", "controlnets", number), net, model)
    yield from ip_adapter_findings(spec.ip_adapters, model)
    for number, inversion in enumerate(spec.textual_inversions):
        yield from inversion_findings(("model", "textual_inversions", number), inversion, model)
    for number, lora in enumerate(spec.loras):
        yield from lora_findings(("model", "loras", number), lora, model)
    yield from size_findings(document.manifest.render, spec.source.pretrained, model)
