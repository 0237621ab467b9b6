"""Whether the components that a folder names are those of the pipeline, before any of them is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Any

import diffusers
import transformers
from diffusers.utils import deprecation_utils
from transformers.image_processing_base import ImageProcessingMixin

from farm.inputs.checkpoints.layout import INDEX, RefusedFiles, read_index

_ANY_TOKENIZER = (
    "AutoTokenizer",
    "PreTrainedTokenizer",
    "PreTrainedTokenizerFast",
    "PythonBackend",
    "TokenizersBackend",
)
"""Types that say no more than that it is a tokenizer; checkpoints may say no more either."""

_KINDS = ("Fast", "Pil")
"""Endings of classes that do the same by other means."""


def check_components(cls: Any, folder: Path, given: Collection[str]) -> None:
    """Make sure that each component in a pipeline's folder is of a class that the pipeline's signature names.

    diffusers loads whatever a folder names, and only remarks afterwards that it is not what the pipeline takes. Those
    that are `given` from elsewhere are not loaded.

    Raises:
        RefusedFiles: when one is of another class.
    """
    taken = cls._get_signature_types()
    for name, component in read_index(folder).items():
        if component is None or name not in taken or name in given:
            continue
        library, written = component
        found = _class_of(library, written)
        if found is None:
            raise RefusedFiles(f"{folder / INDEX} names a {name} that {library} does not have: {written}")
        if not _fits(name, found, [each for each in taken[name] if inspect.isclass(each)]):
            wanted = " or ".join(sorted({_name(each) for each in taken[name]}))
            raise RefusedFiles(
                f"{folder / INDEX} names a {name} that is not one for {cls.__name__}: {written}; allowed: {wanted}"
            )


def _class_of(library: str, name: str) -> Any:
    """Return the class that diffusers would load, or None."""
    family = getattr(diffusers.pipelines, library, None)
    if inspect.ismodule(family):
        return getattr(family, name, None)
    if library == "transformers":
        name = deprecation_utils._maybe_remap_transformers_class(name) or name
        return getattr(transformers, name, None)
    return getattr(diffusers, name, None) if library == "diffusers" else None


def _fits(name: str, found: Any, taken: list[Any]) -> bool:
    if not inspect.isclass(found) or issubclass(found, diffusers.DiffusionPipeline):
        return False
    if "scheduler" in name:
        # Which of them the pipeline samples with, is checked with the manifest.
        return issubclass(found, diffusers.SchedulerMixin)
    if issubclass(found, transformers.PreTrainedTokenizerBase):
        loose = {found.__name__, *(each.__name__ for each in taken)} & set(_ANY_TOKENIZER)
        return "tokenizer" in name and bool(loose or _is_one_of(found, taken))
    if issubclass(found, ImageProcessingMixin | transformers.FeatureExtractionMixin):
        return _is_one_of(found, taken)
    return issubclass(found, tuple(taken))


def _is_one_of(found: Any, taken: list[Any]) -> bool:
    return issubclass(found, tuple(taken)) or _stem(found) in map(_stem, taken)


def _stem(cls: Any) -> str:
    name: str = cls.__name__
    for kind in _KINDS:
        name = name.removesuffix(kind)
    return name


def _name(taken: Any) -> str:
    return str(getattr(taken, "__name__", taken))
