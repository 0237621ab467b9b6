"""Finds the checkpoints that a manifest names, and reports missing ones at their fields."""

from __future__ import annotations

from farm import models
from farm.errors import ManifestError, ModelError, Problem
from farm.inputs.checkpoints.layout import Holds
from farm.inputs.checkpoints.source import find_source
from farm.inputs.checkpoints.tokenizers import scoring_model_mismatch
from farm.inputs.permissions import Checkpoint, model_permission_problem
from farm.manifest import Document
from farm.manifest.analysis import Classifier, Clip
from farm.manifest.findings import suggestion
from farm.manifest.references import written_prompts
from farm.records import (
    AnalysisSpec,
    ClassifierSpec,
    ClipSpec,
    ControlNetSpec,
    DiffusersSpec,
    IpAdapterSpec,
    LoraSpec,
    MemorySpec,
    ModelSource,
    RefinerSpec,
    RendererSpec,
    TextualInversionSpec,
)

Field = tuple[str | int, ...]
"""The path of a field in a manifest."""


def find_renderer(document: Document) -> RendererSpec:
    """Return the renderer of a manifest with its checkpoints resolved.

    Raises:
        ManifestError: with every checkpoint that is missing or invalid, at its field.
    """
    model = document.manifest.model
    problems: list[Problem] = []

    def find(section: Field, written: Checkpoint, holds: Holds) -> ModelSource:
        refused = model_permission_problem(document, section, written)
        if refused is not None:
            problems.append(refused)
            return _NOWHERE
        try:
            source = find_source(written.pretrained, written.revision, document.folder, holds=holds)
            reason = f"there is no checkpoint {written.pretrained!r}"
        except ModelError as error:
            source, reason = None, str(error)
        if source is None:
            problems.append(_not_found(document, (*section, "pretrained"), written.pretrained, reason))
        return source or _NOWHERE

    def find_part(section: str, written: Checkpoint, number: int) -> ModelSource:
        return find(("model", section, number), written, _HOLDS.get(section, "adapter"))

    spec = DiffusersSpec(
        pipeline=model.pipeline,
        source=find(("model",), model, "pipeline"),
        config=find(("model", "config"), model.config, "pipeline") if model.config else None,
        variant=model.variant,
        torch_dtype=model.torch_dtype,
        refiner=RefinerSpec(
            source=find(("model", "refiner"), model.refiner, "pipeline"), variant=model.refiner.variant
        )
        if model.refiner
        else None,
        controlnets=tuple(
            ControlNetSpec(
                source=find_part("controlnets", net, number), subfolder=net.subfolder, variant=net.variant
            )
            for number, net in enumerate(model.controlnets)
        ),
        ip_adapters=tuple(
            IpAdapterSpec(
                source=find_part("ip_adapters", adapter, number),
                subfolder=adapter.subfolder,
                weight_name=adapter.weight_name,
                image_encoder_folder=adapter.image_encoder_folder,
            )
            for number, adapter in enumerate(model.ip_adapters)
        ),
        textual_inversions=tuple(
            TextualInversionSpec(
                source=find_part("textual_inversions", word, number),
                weight_name=word.weight_name,
                token=word.token,
            )
            for number, word in enumerate(model.textual_inversions)
        ),
        loras=tuple(
            LoraSpec(source=find_part("loras", lora, number), weight_name=lora.weight_name)
            for number, lora in enumerate(model.loras)
        ),
        memory=MemorySpec(**model.memory.model_dump()),
        determinism=document.manifest.render.determinism,
    )
    if problems:
        raise ManifestError(problems)
    return spec


_HOLDS: dict[str, Holds] = {"loras": "weights", "textual_inversions": "weights"}
"""Sections that name a file of weights instead of a model."""

_NOWHERE = ModelSource(pretrained="", kind="folder", location="", revision="", fingerprint="")


def _not_found(document: Document, path: Field, pretrained: str, reason: str) -> Problem:
    names = [shipped.name for shipped in models.shipped() if shipped.kind == "pipeline"]
    return document.problem(
        path,
        f"{reason}{suggestion(pretrained, names)}",
        "needed: a hub id with its commit, a folder or .safetensors file relative to the manifest, "
        f"or a shipped checkpoint ({', '.join(names)})",
    )


def find_analysis(document: Document) -> AnalysisSpec | None:
    """Return the analysis of a manifest with its models resolved, or None if it has none.

    Raises:
        ManifestError: with every checkpoint that is missing or not a scoring model, at its field.
    """
    section = document.manifest.analysis
    if section is None:
        return None
    problems: list[Problem] = []
    clip = _clip(document, section.clip, problems) if section.clip else None
    classifier = _classifier(document, section.classifier, problems) if section.classifier else None
    if problems:
        raise ManifestError(problems)
    return AnalysisSpec(clip=clip, classifier=classifier, smoothness=section.smoothness)


def _clip(document: Document, written: Clip, problems: list[Problem]) -> ClipSpec | None:
    source = _find(document, "clip", written, problems)
    if source is None:
        return None
    prompts = [text for field, text in written_prompts(document.manifest) if field[0] == "animation"]
    spec = ClipSpec(
        source=source,
        groups=written.groups,
        prompts=tuple(dict.fromkeys(prompts)),
        class_template=written.class_template,
    )
    return spec if _fits(document, "clip", spec, problems) else None


def _classifier(document: Document, written: Classifier, problems: list[Problem]) -> ClassifierSpec | None:
    source = _find(document, "classifier", written, problems)
    if source is None:
        return None
    spec = ClassifierSpec(source=source, top_k=written.top_k)
    return spec if _fits(document, "classifier", spec, problems) else None


def _find(
    document: Document, part: str, written: Clip | Classifier, problems: list[Problem]
) -> ModelSource | None:
    refused = model_permission_problem(document, ("analysis", part), written)
    if refused is not None:
        problems.append(refused)
        return None
    try:
        source = find_source(written.pretrained, written.revision, document.folder, holds="adapter")
        reason = f"there is no checkpoint {written.pretrained!r}"
    except ModelError as error:
        source, reason = None, str(error)
    if source is None:
        problems.append(
            document.problem(
                ("analysis", part, "pretrained"),
                reason,
                "needed: a hub id with its commit, a folder relative to the manifest, or a shipped checkpoint",
            )
        )
    return source


def _fits(document: Document, part: str, spec: ClipSpec | ClassifierSpec, problems: list[Problem]) -> bool:
    mismatch = scoring_model_mismatch(spec)
    if mismatch is not None:
        needed = "a CLIPModel" if part == "clip" else "an image classifier of transformers"
        problems.append(document.problem(("analysis", part, "pretrained"), mismatch, f"needed: {needed}"))
    return mismatch is None
