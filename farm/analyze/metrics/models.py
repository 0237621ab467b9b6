"""A CLIP model: pictures and texts as vectors of one space (Radford et al. 2021, arXiv:2103.00020)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import cachetools
import torch
import torch.nn.functional as F
import transformers
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.analyze.metrics.analyzer import MOST_PROMPTS, similarity
from farm.analyze.metrics.image import flicker, is_blank, perceptual_change, rgb_change
from farm.errors import ModelError
from farm.inputs.checkpoints.hub import fetch, is_offline, model_files, settings_of
from farm.inputs.checkpoints.no_network import no_network
from farm.inputs.checkpoints.source import check_unchanged
from farm.records import AnalysisSpec, ClipSpec, ModelSource, Pixels, Shown, Stretch, Value, Values
from farm.render import determinism
from farm.render.loading.errors import source_name, translate_errors


def load_judge(source: ModelSource, cls: Any, kind: str) -> tuple[Any, Any]:
    """Return a model of the class `cls` in float32 on the CPU, and what prepares pictures for it, on Pillow.

    Raises:
        ModelError: when files are missing or not those of `source`, or weights are not safetensors.
    """
    transformers.logging.disable_progress_bar()
    with translate_errors(source, kind):
        folder = _folder(source)
    with translate_errors(source, kind), no_network():
        model = cls.from_pretrained(folder, **_ALONE, use_safetensors=True, dtype=torch.float32)
        # With torchvision installed it would be another one, whose last bits differ.
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **_ALONE, backend="pil")
        check_unchanged(source, holds="adapter")
    return model.eval(), processor


def load_tokenizer(source: ModelSource) -> Any:
    """Return what turns texts into tokens.

    Raises:
        ModelError: when its files are missing.
    """
    with translate_errors(source, "a tokenizer"):
        folder = _folder(source)
    with translate_errors(source, "a tokenizer"), no_network():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_ALONE)
    # Where its files are missing, transformers 5 makes an empty one and is silent: all texts would be one.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ModelError(
            f"{source_name(source)}: its tokenizer knows no words, since its vocabulary files are missing."
        )
    return tokenizer


def _folder(source: ModelSource) -> str:
    """Return the folder of a model on this machine, with what prepares pictures and texts for it.

    Says which files to fetch where the hub's are not here, in the place of huggingface_hub's lines.
    """
    try:
        return str(fetch(source, partial(_files, source.location)))
    except LocalEntryNotFoundError as error:
        why = "HF_HUB_OFFLINE forbids asking the hub" if is_offline() else "the hub cannot be reached"
        raise ModelError(
            f"{source_name(source)}: files of it are not in this machine's hub cache, and {why}. Run once, where it "
            f"can be: hf download {source.location} --revision {source.revision}"
        ) from error


def _files(repository: str, names: Sequence[str]) -> set[str]:
    return {*model_files(repository, names, "", None), *settings_of(names, "")}


_ALONE = {"local_files_only": True, "trust_remote_code": False}
"""What transformers is told of any folder: that there is nothing else."""


_CACHED_TEXTS = 2**15
"""More than the classes of any likely classifier; 100 MB at a width of 768."""


class Clip:
    """Looks at one picture and reads one text at a time: the bits depend on nothing beside it.

    Both become vectors of length 1, shape [width]. Texts are not padded, and truncated where the model ends; the
    vectors of the last `cached_texts` are cached. Several threads may use one.
    """

    def __init__(self, source: ModelSource, *, cached_texts: int = _CACHED_TEXTS) -> None:
        self._model, self._processor = load_judge(source, transformers.CLIPModel, "a CLIPModel")
        self._tokenizer = load_tokenizer(source)
        self._scale = self._model.logit_scale.detach().exp()
        self._longest = self._model.config.text_config.max_position_embeddings
        self._texts: cachetools.LRUCache[str, torch.Tensor] = cachetools.LRUCache(cached_texts)
        self._reading = threading.Lock()

    def look(self, pixels: Pixels) -> torch.Tensor:
        """Return a picture's vector."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        return F.normalize(self._model.get_image_features(**prepared).pooler_output[0], dim=-1)

    def read(self, text: str) -> torch.Tensor:
        """Return a text's vector."""
        with self._reading:
            if text not in self._texts:
                self._texts[text] = self._encode(text)
            return self._texts[text]

    def similarity(self, seen: torch.Tensor, text: str) -> float:
        """Return the cosine of the angle between a picture and a text, -1 to 1."""
        return float(seen @ self.read(text))

    def probabilities(self, seen: torch.Tensor, texts: Sequence[str]) -> list[float]:
        """Return how probable each text is for a picture, if one of them is right: the zero-shot classifier."""
        cosines = torch.stack([self.read(text) for text in texts]) @ seen
        return torch.softmax(cosines * self._scale, dim=0).tolist()

    def _encode(self, text: str) -> torch.Tensor:
        tokens = self._tokenizer(text, truncation=True, max_length=self._longest, return_tensors="pt")
        features = self._model.get_text_features(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        )
        return F.normalize(features.pooler_output[0], dim=-1)


def clip_change(before: torch.Tensor, this: torch.Tensor) -> float:
    """Return 1 - the cosine of the angle between two vectors of length 1, as half the square of their distance.

    So it is 0 between the same pictures, where 1 - a product that is rounded would not be, and never below; at most 2.
    """
    return min(float((before - this).square().sum()) / 2, 2.0)


class Classifier:
    """Looks at one picture at a time: the bits depend on nothing beside it."""

    def __init__(self, source: ModelSource) -> None:
        loader = transformers.AutoModelForImageClassification
        self._model, self._processor = load_judge(source, loader, "an image classifier")
        names = self._model.config.id2label
        self.classes = tuple(str(names[number]) for number in range(self._model.config.num_labels))

    def likeliest(self, pixels: Pixels, count: int) -> list[tuple[str, float]]:
        """Return the likeliest classes with their probabilities, at most `count`, the likeliest first."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        probabilities = torch.softmax(self._model(**prepared).logits[0], dim=-1)
        best = probabilities.topk(min(count, len(self.classes)))
        return [
            (self.classes[number], probability)
            for number, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


_Model = TypeVar("_Model")

_MODELS = 3
"""Loaded models of a kind: the jobs of a batch share them, and each may take gigabytes."""

_loading = threading.Lock()
"""Held while a model is loaded: transformers then changes settings of the whole process."""


class ModelCache(Generic[_Model]):
    """Loads each model once for all threads, and keeps the `capacity` most recently used ones."""

    def __init__(self, load: Callable[[ModelSource], _Model], *, capacity: int = _MODELS) -> None:
        self._load = load
        self._models: cachetools.LRUCache[ModelSource, _Model] = cachetools.LRUCache(capacity)

    def __call__(self, source: ModelSource) -> _Model:
        """Return the model of `source`; errors of `load` are raised, and the next call tries again."""
        with _loading:
            if source not in self._models:
                if len(self._models) == self._models.maxsize:
                    self._models.popitem()  # before loading, so that memory never holds one model more
                self._models[source] = self._load(source)
            return self._models[source]


_CPU = torch.device("cpu")
_Measured = Iterator[tuple[str, Value]]
_Read = Callable[[str], Pixels]

_clips = ModelCache(Clip)
_classifiers = ModelCache(Classifier)


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
