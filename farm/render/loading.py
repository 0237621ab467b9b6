"""Loads diffusers pipelines: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_utils import (
    SingleFileComponentError,
    fetch_diffusers_config,
    load_single_file_checkpoint,
)
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.errors import ModelError, OutOfMemory, RenderError
from farm.records import DiffusersSpec, Lora, ModelSource, SchedulerSpec
from farm.render.memory import is_out_of_memory
from farm.render.source import check_unchanged, local_path


def load_pipeline(spec: DiffusersSpec, device: torch.device) -> Any:
    """Return the loaded diffusers pipeline on `device`, its adapters set.

    Raises:
        ModelError: when the class is unknown, files are missing or not those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little for it.
    """
    cls = getattr(diffusers, spec.pipeline, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline)):
        raise ModelError(f"{spec.pipeline}: diffusers {diffusers.__version__} has no pipeline of this name.")
    try:
        pipeline = _load(cls, spec)
        _check_vocabulary(pipeline, spec)
        pipeline.set_progress_bar_config(disable=True)
        for name, lora in zip(adapter_names(spec), spec.loras, strict=True):
            _load_lora(pipeline, lora, name)
        _restore_text_model(pipeline)
        pipeline.to(device)
        check_unchanged(spec.source)
        for lora in spec.loras:
            check_unchanged(lora.source, holds="adapter")
        return pipeline
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, MemoryError) as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"{_name(spec.source)} as {spec.pipeline}: {error}") from None
        raise ModelError(f"{_name(spec.source)}: cannot be loaded as {spec.pipeline}: {error}") from error


def _load(cls: Any, spec: DiffusersSpec) -> Any:
    is_offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    if spec.source.kind == "file":
        return _load_single_file(cls, spec, is_offline)
    return cls.from_pretrained(
        local_path(spec.source),
        revision=spec.source.revision or None,
        variant=spec.variant,
        dtype=getattr(torch, spec.torch_dtype),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=spec.source.kind != "hub" or is_offline,
    )


def _load_single_file(cls: Any, spec: DiffusersSpec, is_offline: bool) -> Any:
    # The file holds weights only: diffusers tells by their names and shapes from which repository of the hub
    # it takes configuration, tokenizer and scheduler. That the file is safetensors, find_source has seen to.
    name, file = _name(spec.source), local_path(spec.source)
    if not hasattr(cls, "from_single_file"):
        raise ModelError(f"{name}: {spec.pipeline} is loaded from a folder only, not from a single file.")
    try:
        return cls.from_single_file(file, dtype=getattr(torch, spec.torch_dtype), local_files_only=is_offline)
    except LocalEntryNotFoundError as error:
        inferred = fetch_diffusers_config(load_single_file_checkpoint(file))
        repository = inferred["pretrained_model_name_or_path"]
        raise ModelError(
            f"{name}: a single file holds weights only, and the configuration files of {repository} are not in "
            f"the hub cache. Run once, where the hub can be reached: hf download {repository} "
            "--include '*.json' --include '*.txt'; or give the model as a folder."
        ) from error
    except SingleFileComponentError as error:
        # The lines after the first are advice for programmers.
        raise ModelError(f"{name}: is no whole {spec.pipeline}: {str(error).splitlines()[0]}") from error


def _check_vocabulary(pipeline: Any, spec: DiffusersSpec) -> None:
    # Where its files are missing, transformers 5 makes an empty tokenizer and is silent: all prompts would be one.
    for part, tokenizer in pipeline.components.items():
        if hasattr(tokenizer, "all_special_ids") and len(tokenizer) <= len(set(tokenizer.all_special_ids)):
            raise ModelError(
                f"{_name(spec.source)}: its {part} knows no words, since its vocabulary files are missing. "
                "Download the configuration again, with all of its .json and .txt files."
            )


def adapter_names(spec: DiffusersSpec) -> list[str]:
    """Return the names under which a spec's LoRAs are loaded, in their order."""
    return [f"lora{number}" for number in range(len(spec.loras))]


def _load_lora(pipeline: Any, lora: Lora, name: str) -> None:
    path = Path(local_path(lora.source))
    is_file = lora.source.kind == "file"
    pipeline.load_lora_weights(
        str(path.parent) if is_file else local_path(lora.source),
        weight_name=path.name if is_file else lora.weight_name,
        revision=lora.source.revision or None,
        adapter_name=name,
        use_safetensors=True,
    )


def _restore_text_model(pipeline: Any) -> None:
    # transformers 5 dropped CLIPTextModel.text_model, which diffusers 0.42 still reads for clip_skip.
    encoder = getattr(pipeline, "text_encoder", None)
    if hasattr(encoder, "final_layer_norm") and not hasattr(encoder, "text_model"):
        encoder.__dict__["text_model"] = encoder


def _name(source: ModelSource) -> str:
    return f"{source.pretrained}@{source.revision}" if source.revision else source.pretrained


def make_scheduler(own_config: Mapping[str, Any], spec: SchedulerSpec) -> Any:
    """Return a fresh scheduler; an empty class name keeps the checkpoint's own class.

    `own_config` is the configuration of the checkpoint's scheduler, on which `spec.config` is laid.

    Raises:
        RenderError: when diffusers has no such scheduler, or it refuses the configuration.
    """
    cls = _scheduler_class(spec.class_name or own_config["_class_name"])
    unknown = sorted(set(spec.config) - cls._get_init_keys(cls))
    if unknown:
        raise RenderError(f"{cls.__name__}: takes no {', '.join(unknown)} in its configuration.")
    try:
        return cls.from_config(own_config, **spec.config)
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        raise RenderError(f"{cls.__name__}: cannot be configured so: {error}") from error


def _scheduler_class(name: str) -> Any:
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.SchedulerMixin)):
        raise RenderError(f"{name}: {_why_absent(cls)}")
    return cls


def _why_absent(stand_in: Any) -> str:
    # diffusers puts a dummy, which knows what it stands in for, where a library is missing.
    missing = [library for library in getattr(stand_in, "_backends", ()) if find_spec(library) is None]
    if missing:
        needed = " ".join(missing)
        return f"needs {needed}, which this machine does not have: pip install {needed}"
    return f"diffusers {diffusers.__version__} has no scheduler of this name."
