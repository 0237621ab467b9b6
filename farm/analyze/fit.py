"""Whether a checkpoint can judge frames, by what its files on this machine say. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from farm.records import ClassifierSpec, ClipSpec
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
"""Under which names transformers looks for weights."""

_PROCESSOR = ("preprocessor_config.json", "processor_config.json")
_VOCABULARY = ("tokenizer.json", "vocab.json")
_ADAPTER = "adapter_config.json"
"""By which transformers lays an adapter over the weights, and takes these from wherever it says."""


def misfit_of(part: ClipSpec | ClassifierSpec) -> str | None:
    """Return what is wrong with the checkpoint of a CLIP model or a classifier, as a clause; None for nothing.

    Of what is not on this machine yet, as a hub id that was never loaded, nothing is known.
    """
    place = contents_of(part.source)
    if place is None:
        return None
    if place.is_file():
        return "it is a single file, not a folder with its configuration beside the weights"
    if (place / _ADAPTER).is_file():
        return f"there is an {_ADAPTER} in it: weights of another model would be laid over its own"
    config = read_settings(place / "config.json")
    if config is None:
        # Of the hub's, another part may have been loaded that had no need of it.
        return None if part.source.kind == "hub" else "there is no config.json in it"
    is_clip = isinstance(part, ClipSpec)
    clauses = [*(_not_clip(config) if is_clip else _no_classifier(config))]
    if part.source.kind != "hub":
        clauses += _missing(place, (_WEIGHTS, _PROCESSOR, *((_VOCABULARY,) if is_clip else ())))
    return clauses[0] if clauses else None


def _not_clip(config: Mapping[str, Any]) -> Iterator[str]:
    kind = config.get("model_type")
    if kind != "clip":
        yield f"its config.json is that of a model of type {kind!r}, not 'clip'"
    elif not all(isinstance(config.get(half), dict) for half in ("text_config", "vision_config")):
        yield "its config.json does not describe both halves of a CLIPModel: text_config and vision_config"


def _no_classifier(config: Mapping[str, Any]) -> Iterator[str]:
    written = config.get("architectures")
    classes = [str(name) for name in written] if isinstance(written, list) else []
    if classes and not any("ForImageClassification" in name for name in classes):
        yield f"it is a {classes[0]}, not an image classifier"
    names = config.get("id2label")
    if not isinstance(names, dict) or not names:
        yield "its config.json does not name its classes (id2label)"


def _missing(folder: Path, needed: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for names in needed:
        if not any((folder / name).is_file() for name in names):
            yield f"there is no {' or '.join(names)} in it"
