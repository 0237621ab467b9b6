"""Measures stretches of frames with loaded models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from farm.analyze.columns import MOST_PROMPTS, similarity
from farm.analyze.see.classifier import Classifier
from farm.analyze.see.clip import Clip, clip_change
from farm.analyze.see.kept import Kept
from farm.analyze.see.smoothness import flicker, is_blank, perceptual_change, rgb_change
from farm.records import AnalysisSpec, ClipSpec, Pixels, Shown, Stretch, Value, Values
from farm.render import determinism

_CPU = torch.device("cpu")
_Measured = Iterator[tuple[str, Value]]
_Read = Callable[[str], Pixels]

_clips = Kept(Clip)
_classifiers = Kept(Classifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A frame's pixels, and its vector if there is a CLIP model."""

    pixels: Pixels
    vector: torch.Tensor | None


class ModelAnalyzer:
    """Measures a frame at a time, so that what else is in a stretch changes no bit."""

    def __init__(self, spec: AnalysisSpec) -> None:
        self._spec = spec
        self._clip = _clips(spec.clip.source) if spec.clip else None
        self._classifier = _classifiers(spec.classifier.source) if spec.classifier else None

    @torch.inference_mode()
    def measure(self, stretch: Stretch, read: _Read) -> tuple[Values, ...]:
        """Return what is measured in each frame of a stretch, by column."""
        determinism.apply("strict", _CPU)
        before = self._see(stretch.before, read)
        this = self._see(stretch.frames[0], read)
        measured = []
        for number, shown in enumerate(stretch.frames, start=1):
            following = stretch.frames[number] if number < len(stretch.frames) else stretch.after
            after = self._see(following, read)
            assert this is not None
            measured.append(dict(self._columns(shown, before, this, after)))
            before, this = this, after
        return tuple(measured)

    def _see(self, shown: Shown | None, read: _Read) -> _Seen | None:
        if shown is None:
            return None
        pixels = read(shown.file_name)
        return _Seen(pixels=pixels, vector=self._clip.look(pixels) if self._clip else None)

    def _columns(self, shown: Shown, before: _Seen | None, this: _Seen, after: _Seen | None) -> _Measured:
        if self._spec.clip and self._clip and this.vector is not None:
            yield from _of_prompts(self._spec.clip, self._clip, this.vector, shown)
            yield from _of_labels(self._spec.clip, self._clip, this.vector)
        if self._spec.classifier and self._classifier:
            yield from _of_classes(self._classifier, this.pixels, self._spec.classifier.top_k)
            if self._spec.clip and self._clip and this.vector is not None:
                template = self._spec.clip.class_template
                yield "clip_class", _likeliest(self._clip, this.vector, self._classifier.classes, template)
        if self._spec.smoothness:
            yield from _of_neighbours(before, this, after)


def _of_prompts(spec: ClipSpec, clip: Clip, seen: torch.Tensor, shown: Shown) -> _Measured:
    weighted = [
        weight * clip.similarity(seen, prompt)
        for prompt, weight in zip(shown.prompts, shown.weights, strict=True)
    ]
    whole = math.fsum(shown.weights)
    yield "clip_score", _number(math.fsum(weighted) / whole) if whole else None
    if len(spec.prompts) <= MOST_PROMPTS:
        for number, prompt in enumerate(spec.prompts, start=1):
            yield similarity(number), _number(clip.similarity(seen, prompt))


def _of_labels(spec: ClipSpec, clip: Clip, seen: torch.Tensor) -> _Measured:
    for group in spec.groups:
        probabilities = map(_number, clip.probabilities(seen, group.texts))
        yield from zip(group.columns, probabilities, strict=True)


def _of_classes(classifier: Classifier, pixels: Pixels, top_k: int) -> _Measured:
    found = classifier.likeliest(pixels, top_k)
    for rank in range(1, top_k + 1):
        label, probability = found[rank - 1] if rank <= len(found) else (None, math.nan)
        known = _number(probability)
        yield f"classifier_label_{rank}", None if known is None else label
        yield f"classifier_probability_{rank}", known


def _likeliest(clip: Clip, seen: torch.Tensor, classes: tuple[str, ...], template: str) -> str | None:
    """Return the class that CLIP finds likeliest; ImageNet's names list synonyms, of which the first is asked for."""
    texts = [template.replace("{label}", name.partition(",")[0]) for name in classes]
    probabilities = clip.probabilities(seen, texts)
    best = max(range(len(classes)), key=probabilities.__getitem__)
    return None if math.isnan(probabilities[best]) else classes[best]


def _of_neighbours(before: _Seen | None, this: _Seen, after: _Seen | None) -> _Measured:
    """Yield changes from the frame before; where there is none, or one of another size, they are not there."""
    # The sizes of a sweep's frames may differ.
    first = before if before and before.pixels.shape == this.pixels.shape else None
    last = after if after and after.pixels.shape == this.pixels.shape else None
    yield "rgb_change", rgb_change(first.pixels, this.pixels) if first else None
    if this.vector is not None:
        last_seen = before.vector if before else None
        yield "clip_change", None if last_seen is None else _number(clip_change(last_seen, this.vector))
    yield "perceptual_change", perceptual_change(first.pixels, this.pixels) if first else None
    yield "flicker", flicker(first.pixels, this.pixels, last.pixels) if first and last else None
    yield "blank", is_blank(this.pixels)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
