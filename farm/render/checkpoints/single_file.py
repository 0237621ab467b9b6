"""Checkpoints that are one file: weights in the layout of the original code, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.errors import ModelError
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.component_classes import check_components
from farm.render.checkpoints.hub import fetch, fetch_pipeline
from farm.render.checkpoints.sealed import sealed


def load_single_file(cls: Any, spec: DiffusersSpec, parts: Mapping[str, Any]) -> Any:
    """Return the pipeline of one file with `parts`, its configuration, tokenizer and scheduler from `spec.config`.

    Without one, which manifests refuse, diffusers would take those of a repository that it infers from the weights, in
    whatever state that is. That the file is safetensors, `find_source` has seen to.

    Raises:
        ModelError: when the class is loaded from folders only, the configuration is not there or the file is not whole.
    """
    name = spec.source.pretrained
    if not hasattr(cls, "from_single_file"):
        raise ModelError(f"{name}: {spec.pipeline} is loaded from a folder only, not from a single file.")
    assert spec.config is not None, "a manifest with a single file names its configuration"
    file = fetch(spec.source, lambda _: ())
    config = _folder(spec.config, name)
    check_components(cls, config, parts)
    try:
        with sealed():
            pipeline = cls.from_single_file(
                str(file),
                config=str(config),
                dtype=getattr(torch, spec.torch_dtype),
                local_files_only=True,
                **parts,
            )
    except SingleFileComponentError as error:
        # The lines after the first are advice for programmers.
        raise ModelError(f"{name}: is no whole {spec.pipeline}: {str(error).splitlines()[0]}") from error
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # diffusers leaves T5 as it is for training, with dropout
    return pipeline


def _folder(config: ModelSource, name: str) -> Path:
    """Return the folder of a configuration: diffusers takes a revision for the file only, not for this."""
    try:
        return fetch_pipeline(config, None, weights=False)
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name}: a single file holds weights only, and the configuration files of {config.location} are not in "
            f"the hub cache. Run once, where the hub can be reached: hf download {config.location} --revision "
            f"{config.revision} --include '*.json' --include '*.txt'; or give the model as a folder."
        ) from error
