"""Loads diffusers pipelines: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from farm.errors import ModelError
from farm.records import DiffusersSpec, Lora, ModelSource, SchedulerSpec
from farm.render.source import local_path


def load_pipeline(spec: DiffusersSpec, device: torch.device) -> Any:
    """Return the loaded diffusers pipeline on `device`, its adapters set.

    Raises:
        ModelError: when the class is unknown, files are missing, or weights are not safetensors.
    """
    cls = getattr(diffusers, spec.pipeline, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline)):
        raise ModelError(f"{spec.pipeline}: diffusers {diffusers.__version__} has no pipeline of this name.")
    try:
        pipeline = _load(cls, spec)
        pipeline.set_progress_bar_config(disable=True)
        for number, lora in enumerate(spec.loras):
            _load_lora(pipeline, lora, f"lora{number}")
        if spec.loras:
            pipeline.set_adapters(
                [f"lora{number}" for number in range(len(spec.loras))],
                adapter_weights=[lora.scale for lora in spec.loras],
            )
        _restore_text_model(pipeline)
        return pipeline.to(device)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(f"{_name(spec.source)}: cannot be loaded as {spec.pipeline}: {error}") from error


def _load(cls: Any, spec: DiffusersSpec) -> Any:
    dtype = getattr(torch, spec.torch_dtype)
    path = local_path(spec.source)
    if spec.source.kind == "file":
        return cls.from_single_file(path, dtype=dtype)
    return cls.from_pretrained(
        path,
        revision=spec.source.revision or None,
        variant=spec.variant,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=spec.source.kind != "hub" or os.environ.get("HF_HUB_OFFLINE") == "1",
    )


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
        ModelError: when diffusers has no such scheduler, or it refuses the configuration.
    """
    cls = _scheduler_class(spec.class_name or own_config["_class_name"])
    unknown = sorted(set(spec.config) - cls._get_init_keys(cls))
    if unknown:
        raise ModelError(f"{cls.__name__}: takes no {', '.join(unknown)} in its configuration.")
    try:
        return cls.from_config(own_config, **spec.config)
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        raise ModelError(f"{cls.__name__}: cannot be configured so: {error}") from error


def _scheduler_class(name: str) -> Any:
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.SchedulerMixin)):
        raise ModelError(f"{name}: diffusers {diffusers.__version__} has no scheduler of this name.")
    return cls
