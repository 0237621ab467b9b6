"""The analyzer that loads models: the values of every column, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from farm.analyze.metrics.analyzer import ReadFrame
from farm.analyze.metrics.columns import MAX_PROMPTS, similarity
from farm.analyze.metrics.image import flicker, is_blank, perceptual_change, rgb_change
from farm.analyze.metrics.models import ClassifierModel, ClipModel, ModelCache, clip_change
from farm.records import AnalysisSpec, AnalyzedFrame, ClipSpec, FrameSequence, Pixels, Value, Values
from farm.render import determinism

_CPU = torch.device("cpu")
_Measured = Iterator[tuple[str, Value]]

_clips = ModelCache(ClipModel)
_classifiers = ModelCache(ClassifierModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded:
    """The pixels of a frame, and their vector if there is a CLIP model."""

    pixels: Pixels
    vector: torch.Tensor | None


class ModelAnalyzer:
    """Measures one frame at a time, so that no bit depends on the other frames of a sequence."""

    def __init__(self, spec: AnalysisSpec) -> None:
        self._spec = spec
        self._clip = _clips(spec.clip.source) if spec.clip else None
        self._classifier = _classifiers(spec.classifier.source) if spec.classifier else None

    @torch.inference_mode()
    def measure(self, sequence: FrameSequence, read: ReadFrame) -> tuple[Values, ...]:
        """Return the measured values of each frame of a sequence, by column."""
        determinism.apply("strict", _CPU)
        before = self._decode(sequence.before, read)
        this = self._decode(sequence.frames[0], read)
        measured = []
        for number, frame in enumerate(sequence.frames, start=1):
            following = sequence.frames[number] if number < len(sequence.frames) else sequence.after
            after = self._decode(following, read)
            assert this is not None
            measured.append(dict(self._columns(frame, before, this, after)))
            before, this = this, after
        return tuple(measured)

    def _decode(self, frame: AnalyzedFrame | None, read: ReadFrame) -> _Decoded | None:
        if frame is None:
            return None
        pixels = read(frame.file_name)
        return _Decoded(pixels=pixels, vector=self._clip.encode_image(pixels) if self._clip else None)

    def _columns(
        self, frame: AnalyzedFrame, before: _Decoded | None, this: _Decoded, after: _Decoded | None
    ) -> _Measured:
        if self._spec.clip and self._clip and this.vector is not None:
            yield from _of_prompts(self._spec.clip, self._clip, this.vector, frame)
            yield from _of_labels(self._spec.clip, self._clip, this.vector)
        if self._spec.classifier and self._classifier:
            yield from _of_classes(self._classifier, this.pixels, self._spec.classifier.top_k)
            if self._spec.clip and self._clip and this.vector is not None:
                template = self._spec.clip.class_template
                yield "clip_class", _best_class(self._clip, this.vector, self._classifier.classes, template)
        if self._spec.smoothness:
            yield from _of_neighbours(before, this, after)


def _of_prompts(spec: ClipSpec, clip: ClipModel, image: torch.Tensor, frame: AnalyzedFrame) -> _Measured:
    weighted = [
        weight * clip.similarity(image, prompt)
        for prompt, weight in zip(frame.prompts, frame.weights, strict=True)
    ]
    total = math.fsum(frame.weights)
    yield "clip_score", _finite(math.fsum(weighted) / total) if total else None
    if len(spec.prompts) <= MAX_PROMPTS:
        for number, prompt in enumerate(spec.prompts, start=1):
            yield similarity(number), _finite(clip.similarity(image, prompt))


def _of_labels(spec: ClipSpec, clip: ClipModel, image: torch.Tensor) -> _Measured:
    for group in spec.groups:
        probabilities = map(_finite, clip.probabilities(image, group.texts))
        yield from zip(group.columns, probabilities, strict=True)


def _of_classes(classifier: ClassifierModel, pixels: Pixels, top_k: int) -> _Measured:
    found = classifier.top(pixels, top_k)
    for rank in range(1, top_k + 1):
        label, probability = found[rank - 1] if rank <= len(found) else (None, math.nan)
        known = _finite(probability)
        yield f"classifier_label_{rank}", None if known is None else label
        yield f"classifier_probability_{rank}", known


def _best_class(clip: ClipModel, image: torch.Tensor, classes: tuple[str, ...], template: str) -> str | None:
    """Return the class most probable to CLIP; of synonyms in a name, as in ImageNet, the first is used."""
    texts = [template.replace("{label}", name.partition(",")[0]) for name in classes]
    probabilities = clip.probabilities(image, texts)
    best = max(range(len(classes)), key=probabilities.__getitem__)
    return None if math.isnan(probabilities[best]) else classes[best]


def _of_neighbours(before: _Decoded | None, this: _Decoded, after: _Decoded | None) -> _Measured:
    """Yield changes from the frame before; None without a neighbour, or with one of another size, as in a sweep."""
    first = before if before and before.pixels.shape == this.pixels.shape else None
    last = after if after and after.pixels.shape == this.pixels.shape else None
    yield "rgb_change", rgb_change(first.pixels, this.pixels) if first else None
    if this.vector is not None:
        vector = before.vector if before else None
        yield "clip_change", None if vector is None else _finite(clip_change(vector, this.vector))
    yield "perceptual_change", perceptual_change(first.pixels, this.pixels) if first else None
    yield "flicker", flicker(first.pixels, this.pixels, last.pixels) if first and last else None
    yield "blank", is_blank(this.pixels)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
