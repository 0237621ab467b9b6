"""Checks the classes of a pipeline's components in its folder before any of them is loaded."""

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
"""Classes that may represent any tokenizer, in signatures and in checkpoints."""

_VARIANTS = ("Fast", "Pil")
"""Suffixes of other implementations of the same class."""


def check_components(cls: Any, folder: Path, given: Collection[str]) -> None:
    """Check that each component in a pipeline's folder has a class that the pipeline's signature accepts.

    diffusers loads any class that a folder names, and only warns afterwards. Components that are `given` are not loaded
    from the folder.

    Raises:
        RefusedFiles: when one has another class.
    """
    accepted = cls._get_signature_types()
    for name, component in read_index(folder).items():
        if component is None or name not in accepted or name in given:
            continue
        library, class_name = component
        component_class = _class_of(library, class_name)
        if component_class is None:
            raise RefusedFiles(f"{folder / INDEX} names a {name} that is missing in {library}: {class_name}")
        if not _fits(name, component_class, [each for each in accepted[name] if inspect.isclass(each)]):
            allowed = " or ".join(sorted({_name(each) for each in accepted[name]}))
            raise RefusedFiles(
                f"{folder / INDEX} names a {name} that {cls.__name__} does not accept: {class_name}; allowed: {allowed}"
            )


def _class_of(library: str, name: str) -> Any:
    """Return the class that diffusers would load, or None if it is missing."""
    family = getattr(diffusers.pipelines, library, None)
    if inspect.ismodule(family):
        return getattr(family, name, None)
    if library == "transformers":
        name = deprecation_utils._maybe_remap_transformers_class(name) or name
        return getattr(transformers, name, None)
    return getattr(diffusers, name, None) if library == "diffusers" else None


def _fits(name: str, cls: Any, accepted: list[Any]) -> bool:
    if not inspect.isclass(cls) or issubclass(cls, diffusers.DiffusionPipeline):
        return False
    if "scheduler" in name:
        # The check of the manifest compares it with the schedulers that the pipeline supports.
        return issubclass(cls, diffusers.SchedulerMixin)
    if issubclass(cls, transformers.PreTrainedTokenizerBase):
        loose = {cls.__name__, *(each.__name__ for each in accepted)} & set(_ANY_TOKENIZER)
        return "tokenizer" in name and bool(loose or _is_one_of(cls, accepted))
    if issubclass(cls, ImageProcessingMixin | transformers.FeatureExtractionMixin):
        return _is_one_of(cls, accepted)
    return issubclass(cls, tuple(accepted))


def _is_one_of(cls: Any, accepted: list[Any]) -> bool:
    return issubclass(cls, tuple(accepted)) or _stem(cls) in map(_stem, accepted)


def _stem(cls: Any) -> str:
    name: str = cls.__name__
    for suffix in _VARIANTS:
        name = name.removesuffix(suffix)
    return name


def _name(annotation: Any) -> str:
    return str(getattr(annotation, "__name__", annotation))
