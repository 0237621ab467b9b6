"""What a manifest wants measured, its checkpoints found."""

from __future__ import annotations

from farm.analyze import misfit_of
from farm.errors import ManifestError, ModelError, Problem
from farm.manifest import Document
from farm.manifest.analysis import Classifier, Clip
from farm.manifest.references import written_prompts
from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec, ModelSource
from farm.render.checkpoints.source import find_source
from farm.run.reads import refused_model


def find_analysis(document: Document) -> AnalysisSpec | None:
    """Return what is to be measured, or None.

    Raises:
        ManifestError: when a checkpoint is not there or judges no pictures, at its place in the manifest.
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
    prompts = [text for place, text in written_prompts(document.manifest) if place[0] == "animation"]
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
    refused = refused_model(document, ("analysis", part), written)
    if refused is not None:
        problems.append(refused)
        return None
    try:
        source = find_source(written.pretrained, written.revision, document.folder, holds="adapter")
        found = f"there is no checkpoint {written.pretrained!r}"
    except ModelError as error:
        source, found = None, str(error)
    if source is None:
        problems.append(
            document.problem(
                ("analysis", part, "pretrained"),
                found,
                "needed: a hub id with its commit, a folder beside the manifest, or a shipped checkpoint",
            )
        )
    return source


def _fits(document: Document, part: str, spec: ClipSpec | ClassifierSpec, problems: list[Problem]) -> bool:
    misfit = misfit_of(spec)
    if misfit is not None:
        wanted = "a CLIPModel" if part == "clip" else "an image classifier of transformers"
        problems.append(document.problem(("analysis", part, "pretrained"), misfit, f"needed: {wanted}"))
    return misfit is None
