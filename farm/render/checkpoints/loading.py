"""Loads diffusers pipelines: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import diffusers
import torch

from farm.errors import ModelError
from farm.records import (
    ControlNet,
    DiffusersSpec,
    IpAdapter,
    Lora,
    MemorySpec,
    ModelSource,
    Refiner,
    TextualInversion,
)
from farm.render.checkpoints.adapters import load_controlnets, load_ip_adapters, load_loras
from farm.render.checkpoints.component_classes import check_components
from farm.render.checkpoints.hub import fetch_pipeline
from farm.render.checkpoints.memory_options import place
from farm.render.checkpoints.sealed import sealed
from farm.render.checkpoints.single_file import load_single_file
from farm.render.checkpoints.source import check_unchanged
from farm.render.checkpoints.textual_inversion import load_textual_inversions
from farm.render.checkpoints.told import name_of, told
from farm.render.families import pipeline_class
from farm.render.pictures.encode_once import encode_once


def load_pipeline(spec: DiffusersSpec, device: torch.device) -> Any:
    """Return the loaded diffusers pipeline on `device`, with all that is laid over it.

    Raises:
        ModelError: when the class is unknown, files are missing or not those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little for it.
    """
    with told(spec.source, spec.pipeline):
        cls = pipeline_class(spec.pipeline)
        nets = load_controlnets(spec.controlnets, getattr(torch, spec.torch_dtype))
        pipeline = _load(cls, spec, nets)
        _check_vocabulary(pipeline, spec.source)
        load_textual_inversions(pipeline, spec.textual_inversions)
        load_loras(pipeline, spec.loras)
        load_ip_adapters(pipeline, spec.ip_adapters)
        _prepare(pipeline, spec.memory, device)
        check_unchanged(spec.source)
        if spec.config is not None:
            check_unchanged(spec.config)
        parts: list[Lora | ControlNet | IpAdapter | TextualInversion] = [
            *spec.loras,
            *spec.controlnets,
            *spec.ip_adapters,
            *spec.textual_inversions,
        ]
        for part in parts:
            weights_alone = isinstance(part, Lora | TextualInversion)
            check_unchanged(part.source, holds="weights" if weights_alone else "adapter")
        return pipeline


def load_refiner(refiner: Refiner, spec: DiffusersSpec, device: torch.device) -> Any:
    """Return the refiner's pipeline on `device`.

    Raises:
        ModelError: when files are missing or not those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little for it.
    """
    cls = diffusers.StableDiffusionXLImg2ImgPipeline
    with told(refiner.source, cls.__name__):
        pipeline = _load(cls, replace(spec, source=refiner.source, variant=refiner.variant, config=None), {})
        _check_vocabulary(pipeline, refiner.source)
        _prepare(pipeline, spec.memory, device)
        check_unchanged(refiner.source)
        return pipeline


def _prepare(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    pipeline.set_progress_bar_config(disable=True)
    _restore_text_model(pipeline)
    place(pipeline, memory, device)
    if hasattr(pipeline, "vae"):
        encode_once(pipeline.vae)


def _load(cls: Any, spec: DiffusersSpec, parts: Mapping[str, Any]) -> Any:
    if spec.source.kind == "file":
        return load_single_file(cls, spec, parts)
    folder = fetch_pipeline(spec.source, spec.variant)
    check_components(cls, folder, parts)
    with sealed():
        return cls.from_pretrained(
            str(folder),
            variant=spec.variant,
            dtype=getattr(torch, spec.torch_dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **parts,
        )


def _check_vocabulary(pipeline: Any, source: ModelSource) -> None:
    # Where its files are missing, transformers 5 makes an empty tokenizer and is silent: all prompts would be one.
    for part, tokenizer in pipeline.components.items():
        if hasattr(tokenizer, "all_special_ids") and len(tokenizer) <= len(set(tokenizer.all_special_ids)):
            raise ModelError(
                f"{name_of(source)}: its {part} knows no words, since its vocabulary files are missing. "
                "Download the configuration again, with all of its .json and .txt files."
            )


def _restore_text_model(pipeline: Any) -> None:
    # transformers 5 dropped CLIPTextModel.text_model, which diffusers 0.42 still reads for clip_skip.
    encoder = getattr(pipeline, "text_encoder", None)
    if hasattr(encoder, "final_layer_norm") and not hasattr(encoder, "text_model"):
        encoder.__dict__["text_model"] = encoder
