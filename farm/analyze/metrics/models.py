"""The models that score frames: CLIP and image classifiers, loaded once and kept.

They are loaded from safetensors only, and never with code from a checkpoint. Each scores one picture at a time, so the
bits of a result depend on nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import cachetools
import torch
import torch.nn.functional as F
import transformers
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.errors import ModelError
from farm.inputs.checkpoints.hub import fetch, is_offline, model_files, settings_of
from farm.inputs.checkpoints.no_network import no_network
from farm.inputs.checkpoints.source import check_unchanged
from farm.records import ModelSource, Pixels
from farm.render.loading.errors import source_name, translate_errors

_CACHED_TEXTS = 2**15
"""Texts whose vectors are cached: more than the classes of any likely classifier, 100 MB at a width of 768."""

_CAPACITY = 3
"""Models of a kind that stay loaded: the jobs of a batch share them, and each may take gigabytes."""

_NO_OTHER_SOURCE = {"local_files_only": True, "trust_remote_code": False}
"""Arguments for transformers: use only the files of the folder."""

_loading = threading.Lock()
"""transformers changes settings of the process while it loads, so one model is loaded at a time."""

_Model = TypeVar("_Model")


class ClipModel:
    """A CLIP model: pictures and texts as vectors of one space (Radford et al. 2021, arXiv:2103.00020).

    Both become vectors of length 1, shape [width]. Texts are not padded, and truncated at the model's limit. The
    vectors of the `cached_texts` most recently used texts are cached. An instance may be used in several threads.
    """

    def __init__(self, source: ModelSource, *, cached_texts: int = _CACHED_TEXTS) -> None:
        self._model, self._processor = load_scoring_model(source, transformers.CLIPModel, "a CLIPModel")
        self._tokenizer = load_tokenizer(source)
        self._scale = self._model.logit_scale.detach().exp()
        self._max_tokens = self._model.config.text_config.max_position_embeddings
        self._texts: cachetools.LRUCache[str, torch.Tensor] = cachetools.LRUCache(cached_texts)
        self._lock = threading.Lock()

    def encode_image(self, pixels: Pixels) -> torch.Tensor:
        """Return the vector of a picture."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        return F.normalize(self._model.get_image_features(**prepared).pooler_output[0], dim=-1)

    def encode_text(self, text: str) -> torch.Tensor:
        """Return the vector of a text."""
        with self._lock:
            if text not in self._texts:
                self._texts[text] = self._encode(text)
            return self._texts[text]

    def similarity(self, image: torch.Tensor, text: str) -> float:
        """Return the cosine of the angle between the vectors of a picture and a text, -1 to 1."""
        return float(image @ self.encode_text(text))

    def probabilities(self, image: torch.Tensor, texts: Sequence[str]) -> list[float]:
        """Return the probability of each text for a picture, given that one is right: zero-shot classification."""
        cosines = torch.stack([self.encode_text(text) for text in texts]) @ image
        return torch.softmax(cosines * self._scale, dim=0).tolist()

    def _encode(self, text: str) -> torch.Tensor:
        tokens = self._tokenizer(text, truncation=True, max_length=self._max_tokens, return_tensors="pt")
        features = self._model.get_text_features(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        )
        return F.normalize(features.pooler_output[0], dim=-1)


def clip_change(before: torch.Tensor, this: torch.Tensor) -> float:
    """Return 1 - the cosine of the angle between two vectors of length 1, computed as half their squared distance.

    That is exactly 0 for equal vectors, where 1 - a rounded product is not, and never negative; at most 2.
    """
    return min(float((before - this).square().sum()) / 2, 2.0)


class ClassifierModel:
    """An image classifier of transformers; `classes` are its labels."""

    def __init__(self, source: ModelSource) -> None:
        loader = transformers.AutoModelForImageClassification
        self._model, self._processor = load_scoring_model(source, loader, "an image classifier")
        names = self._model.config.id2label
        self.classes = tuple(str(names[number]) for number in range(self._model.config.num_labels))

    def top(self, pixels: Pixels, count: int) -> list[tuple[str, float]]:
        """Return up to `count` classes with their probabilities, the most probable first."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        probabilities = torch.softmax(self._model(**prepared).logits[0], dim=-1)
        best = probabilities.topk(min(count, len(self.classes)))
        return [
            (self.classes[number], probability)
            for number, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


class ModelCache(Generic[_Model]):
    """Loads each model once for all threads, and keeps the `capacity` most recently used."""

    def __init__(self, load: Callable[[ModelSource], _Model], *, capacity: int = _CAPACITY) -> None:
        self._load = load
        self._models: cachetools.LRUCache[ModelSource, _Model] = cachetools.LRUCache(capacity)

    def __call__(self, source: ModelSource) -> _Model:
        """Return the model of `source`; a failed load is raised, and repeated on the next call."""
        with _loading:
            if source not in self._models:
                if len(self._models) == self._models.maxsize:
                    self._models.popitem()  # before loading, so that memory never holds an extra model
                self._models[source] = self._load(source)
            return self._models[source]


def load_scoring_model(source: ModelSource, cls: Any, kind: str) -> tuple[Any, Any]:
    """Return a model of the class `cls` in float32 on the CPU, and its image processor, on Pillow.

    Raises:
        ModelError: files are missing or not those of `source`, or the weights are not safetensors.
    """
    transformers.logging.disable_progress_bar()
    with translate_errors(source, kind):
        folder = _folder(source)
    with translate_errors(source, kind), no_network():
        model = cls.from_pretrained(folder, **_NO_OTHER_SOURCE, use_safetensors=True, dtype=torch.float32)
        # With torchvision installed, the default is another processor, whose last bits differ.
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **_NO_OTHER_SOURCE, backend="pil")
        check_unchanged(source, holds="adapter")
    return model.eval(), processor


def load_tokenizer(source: ModelSource) -> Any:
    """Return the tokenizer of a model.

    Raises:
        ModelError: its files are missing.
    """
    with translate_errors(source, "a tokenizer"):
        folder = _folder(source)
    with translate_errors(source, "a tokenizer"), no_network():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_NO_OTHER_SOURCE)
    # Without its files, transformers 5 silently creates an empty one, and all texts would be equal.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ModelError(
            f"{source_name(source)}: its tokenizer has no words, as its vocabulary files are missing."
        )
    return tokenizer


def _folder(source: ModelSource) -> str:
    """Return the folder of a model on this machine, with its image processor and tokenizer.

    Raises:
        ModelError: the hub's files are not on this machine; the message says how to download them.
    """
    try:
        return str(fetch(source, partial(_files, source.location)))
    except LocalEntryNotFoundError as error:
        why = "HF_HUB_OFFLINE forbids a download" if is_offline() else "the hub cannot be reached"
        raise ModelError(
            f"{source_name(source)}: some of its files are not in this machine's hub cache, and {why}. Run once, with "
            f"network access: hf download {source.location} --revision {source.revision}"
        ) from error


def _files(repository: str, names: Sequence[str]) -> set[str]:
    return {*model_files(repository, names, "", None), *settings_of(names, "")}
