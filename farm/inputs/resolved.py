"""All inputs on this machine that a manifest names, read once for the rules to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farm.errors import ManifestError, Problem
from farm.inputs.checkpoints.adapters import (
    USUAL_EMBEDDING,
    USUAL_LORA,
    AdapterWeights,
    ImageEncoder,
    read_adapter,
    read_image_encoders,
    token_of,
)
from farm.inputs.checkpoints.hub import is_offline
from farm.inputs.checkpoints.info import (
    CheckpointInfo,
    contents_of,
    read_checkpoint,
    read_settings,
    read_variants,
)
from farm.inputs.checkpoints.schedulers import SchedulerInfo, installed_packages, read_scheduler
from farm.inputs.checkpoints.tokenizers import PromptLength, TextReader, read_prompt_length, text_reader
from farm.inputs.pictures.contents import PictureContents, read_contents
from farm.inputs.pictures.find import find_pictures
from farm.inputs.resolve import find_analysis, find_renderer
from farm.manifest import Document, Manifest
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import PIPELINES
from farm.records import AnalysisSpec, ControlNetSpec, DiffusersSpec, ModelSource, PictureSource
from farm.store import JobFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInputs:
    """The checkpoints of a manifest's `model`, read from the files on this machine.

    `variants` are the available variants of weights, by the section that names one. `controlnets` are configurations,
    None if missing or not on this machine yet. `prompt_lengths` measure plain prompts with the pipeline's CLIP
    tokenizers. `schedulers` are those of the manifest and the checkpoint, `packages` the installed optional packages.
    """

    spec: DiffusersSpec
    checkpoint: CheckpointInfo
    config: CheckpointInfo | None
    refiner: CheckpointInfo | None
    variants: Mapping[FieldPath, tuple[str, ...]]
    controlnets: tuple[Mapping[str, Any] | None, ...]
    ip_adapters: tuple[AdapterWeights, ...]
    image_encoder: ImageEncoder | None
    image_encoders: tuple[ImageEncoder, ...]
    textual_inversions: tuple[AdapterWeights, ...]
    loras: tuple[AdapterWeights, ...]
    prompt_lengths: tuple[PromptLength, ...]
    schedulers: Mapping[str, SchedulerInfo]
    packages: frozenset[str]

    @property
    def configured(self) -> CheckpointInfo:
        """The checkpoint with the configuration, tokenizers and scheduler."""
        return self.config or self.checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInputs:
    """Input pictures by their names in the manifest, and their contents; None if they were not decoded."""

    sources: Mapping[str, PictureSource]
    contents: PictureContents | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringInputs:
    """The models of a manifest's `analysis`, the text reader of its CLIP model, and models that cannot be fetched."""

    spec: AnalysisSpec
    reader: TextReader | None
    unreachable: Mapping[str, ModelSource]
    """By field of `analysis`: models missing from the hub's cache in offline mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedInputs:
    """The inputs that a manifest names; None if it names none, or if they are missing."""

    model: ModelInputs | None
    pictures: PictureInputs | None
    scoring: ScoringInputs | None


def resolve(
    document: Document, folder: JobFolder | None = None, *, procedural: bool = False
) -> tuple[ResolvedInputs, list[Problem]]:
    """Read the inputs that a manifest names; return them with a problem for each missing or unusable one.

    `folder` is the job's; pictures unchanged since its last run are not decoded again. No model is read for the
    procedural renderer.

    Raises:
        StorageError: when the job's folder cannot be read.
    """
    problems: list[Problem] = []
    spec = None
    if not procedural:
        try:
            spec = find_renderer(document)
        except ManifestError as error:
            problems += error.problems
    analysis, sources = None, None
    try:
        analysis = find_analysis(document)
    except ManifestError as error:
        problems += error.problems
    try:
        sources = find_pictures(document, folder)
    except ManifestError as error:
        problems += error.problems
    inputs = ResolvedInputs(
        model=read_model(document.manifest, spec) if isinstance(spec, DiffusersSpec) else None,
        pictures=None
        if sources is None
        else read_pictures(document.manifest, sources, procedural=procedural),
        scoring=None if analysis is None else read_scoring(analysis),
    )
    return inputs, problems


def read_model(manifest: Manifest, spec: DiffusersSpec) -> ModelInputs:
    """Read the configurations, headers and tokenizers of a renderer's checkpoints."""
    checkpoint = read_checkpoint(spec.source)
    config = read_checkpoint(spec.config) if spec.config else None
    own, encoders = read_image_encoders(spec.source, spec.ip_adapters) if spec.ip_adapters else (None, ())
    embeddings = tuple(
        read_adapter(each.source, each.weight_name, usual=USUAL_EMBEDDING) for each in spec.textual_inversions
    )
    return ModelInputs(
        spec=spec,
        checkpoint=checkpoint,
        config=config,
        refiner=read_checkpoint(spec.refiner.source) if spec.refiner else None,
        variants=dict(_variants(spec)),
        controlnets=tuple(map(_controlnet, spec.controlnets)),
        ip_adapters=tuple(
            read_adapter(each.source, each.weight_name, usual=each.weight_name, subfolder=each.subfolder)
            for each in spec.ip_adapters
        ),
        image_encoder=own,
        image_encoders=encoders,
        textual_inversions=embeddings,
        loras=tuple(read_adapter(each.source, each.weight_name, usual=USUAL_LORA) for each in spec.loras),
        prompt_lengths=tuple(_prompt_lengths(manifest, spec, embeddings)),
        schedulers={name: read_scheduler(name) for name in _scheduler_names(manifest, config or checkpoint)},
        packages=installed_packages(),
    )


def read_pictures(
    manifest: Manifest, sources: Mapping[str, PictureSource], *, procedural: bool = False
) -> PictureInputs:
    """Return the input pictures with their contents, which the procedural renderer does not need."""
    contents = None if procedural else read_contents(manifest, sources)
    return PictureInputs(sources=sources, contents=contents)


def read_scoring(spec: AnalysisSpec) -> ScoringInputs:
    """Read the tokenizer of the CLIP model, and determine which models cannot be fetched."""
    parts = {"clip": spec.clip, "classifier": spec.classifier}
    named = {field: part.source for field, part in parts.items() if part is not None}
    return ScoringInputs(
        spec=spec,
        reader=text_reader(spec.clip.source) if spec.clip else None,
        unreachable={field: source for field, source in named.items() if contents_of(source) is None}
        if is_offline()
        else {},
    )


def _variants(spec: DiffusersSpec) -> Iterator[tuple[FieldPath, tuple[str, ...]]]:
    named: list[tuple[FieldPath, ModelSource, str, str | None]] = [
        (("model",), spec.source, "", spec.variant)
    ]
    if spec.refiner is not None:
        named.append((("model", "refiner"), spec.refiner.source, "", spec.refiner.variant))
    for number, net in enumerate(spec.controlnets):
        named.append((("model", "controlnets", number), net.source, net.subfolder, net.variant))
    for field, source, subfolder, variant in named:
        found = read_variants(source, subfolder) if variant is not None else None
        if found is not None:
            yield field, found


def _controlnet(net: ControlNetSpec) -> Mapping[str, Any] | None:
    root = contents_of(net.source)
    return read_settings(root / net.subfolder / "config.json") if root else None


def _prompt_lengths(
    manifest: Manifest, spec: DiffusersSpec, embeddings: Sequence[AdapterWeights]
) -> Iterator[PromptLength]:
    root = contents_of(spec.config or spec.source)
    if (
        root is None
        or not PIPELINES[spec.pipeline].uses_clip_only
        or manifest.render.prompt_syntax == "compel"
    ):
        return
    tokens: dict[str, int] = {}
    for inversion, weights in zip(spec.textual_inversions, embeddings, strict=True):
        shapes = weights.shapes or {}
        if token := token_of(inversion, shapes):
            shape = next(iter(shapes.values()), ())
            tokens[token] = shape[0] if len(shape) > 1 else 1
    for name in ("tokenizer", "tokenizer_2"):
        length = read_prompt_length(root / name, tokens)
        if length is not None:
            yield length


def _scheduler_names(manifest: Manifest, checkpoint: CheckpointInfo) -> set[str]:
    swept = getattr(manifest.animation, "over", {}).get("scheduler", ())
    chosen = [each for each in (manifest.model.scheduler, *swept) if each is not None]
    return {each.class_ for each in chosen} | ({checkpoint.scheduler_class} - {""})
