"""Loads diffusers pipelines, from safetensors only, and never with code from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.errors import ModelError
from farm.inputs.checkpoints.hub import fetch, fetch_pipeline
from farm.inputs.checkpoints.no_network import no_network
from farm.inputs.checkpoints.source import check_unchanged
from farm.records import (
    ControlNetSpec,
    DiffusersSpec,
    IpAdapterSpec,
    LoraSpec,
    MemorySpec,
    ModelSource,
    RefinerSpec,
    TextualInversionSpec,
)
from farm.render.families import pipeline_class
from farm.render.loading.adapters import (
    load_controlnets,
    load_ip_adapters,
    load_loras,
    load_textual_inversions,
)
from farm.render.loading.component_classes import check_components
from farm.render.loading.errors import source_name, translate_errors
from farm.render.loading.memory import move_to_device
from farm.render.pictures import cache_encodings


def load_pipeline(spec: DiffusersSpec, device: torch.device) -> Any:
    """Load a diffusers pipeline with its adapters onto `device`.

    Raises:
        ModelError: when the class is unknown, files are missing or differ from those of `spec`, or weights are not
            safetensors.
        OutOfMemory: when the device has too little memory.
    """
    with translate_errors(spec.source, spec.pipeline):
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
        parts: list[LoraSpec | ControlNetSpec | IpAdapterSpec | TextualInversionSpec] = [
            *spec.loras,
            *spec.controlnets,
            *spec.ip_adapters,
            *spec.textual_inversions,
        ]
        for part in parts:
            weights_alone = isinstance(part, LoraSpec | TextualInversionSpec)
            check_unchanged(part.source, holds="weights" if weights_alone else "adapter")
        return pipeline


def load_refiner(refiner: RefinerSpec, spec: DiffusersSpec, device: torch.device) -> Any:
    """Load the refiner's pipeline onto `device`.

    Raises:
        ModelError: when files are missing or differ from those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little memory.
    """
    cls = diffusers.StableDiffusionXLImg2ImgPipeline
    with translate_errors(refiner.source, cls.__name__):
        pipeline = _load(cls, replace(spec, source=refiner.source, variant=refiner.variant, config=None), {})
        _check_vocabulary(pipeline, refiner.source)
        _prepare(pipeline, spec.memory, device)
        check_unchanged(refiner.source)
        return pipeline


def _load(cls: Any, spec: DiffusersSpec, parts: Mapping[str, Any]) -> Any:
    if spec.source.kind == "file":
        return _load_single_file(cls, spec, parts)
    folder = fetch_pipeline(spec.source, spec.variant)
    check_components(cls, folder, parts)
    with no_network():
        return cls.from_pretrained(
            str(folder),
            variant=spec.variant,
            dtype=getattr(torch, spec.torch_dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **parts,
        )


def _load_single_file(cls: Any, spec: DiffusersSpec, parts: Mapping[str, Any]) -> Any:
    """Load a pipeline from one file and `parts`, with configuration, tokenizer and scheduler from `spec.config`.

    Manifests require that configuration: without it diffusers would use the current state of a repository that it
    infers from the weights.
    """
    name = spec.source.pretrained
    if not hasattr(cls, "from_single_file"):
        raise ModelError(f"{name}: {spec.pipeline} can be loaded from a folder only, not from a single file.")
    assert spec.config is not None, "a manifest with a single file names its configuration"
    file = fetch(spec.source, lambda _: ())
    config = _config_folder(spec.config, name)
    check_components(cls, config, parts)
    try:
        with no_network():
            pipeline = cls.from_single_file(
                str(file),
                config=str(config),
                dtype=getattr(torch, spec.torch_dtype),
                local_files_only=True,
                **parts,
            )
    except SingleFileComponentError as error:
        # Its other lines are advice for programmers.
        raise ModelError(
            f"{name}: is not a complete {spec.pipeline}: {str(error).splitlines()[0]}"
        ) from error
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # diffusers leaves T5 in training mode, with dropout
    return pipeline


def _config_folder(config: ModelSource, name: str) -> Path:
    """Return the folder of a configuration, fetched here because diffusers takes no revision for it."""
    try:
        return fetch_pipeline(config, None, weights=False)
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name}: a single file contains weights only, and the configuration files of {config.location} are not in "
            f"the hub cache. Run once with access to the hub: hf download {config.location} --revision "
            f"{config.revision} --include '*.json' --include '*.txt'; or give the model as a folder."
        ) from error


def _prepare(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    pipeline.set_progress_bar_config(disable=True)
    _restore_text_model(pipeline)
    move_to_device(pipeline, memory, device)
    if hasattr(pipeline, "vae"):
        cache_encodings(pipeline.vae)


def _check_vocabulary(pipeline: Any, source: ModelSource) -> None:
    # If its files are missing, transformers 5 silently makes an empty tokenizer: all prompts would be the same.
    for part, tokenizer in pipeline.components.items():
        if hasattr(tokenizer, "all_special_ids") and len(tokenizer) <= len(set(tokenizer.all_special_ids)):
            raise ModelError(
                f"{source_name(source)}: its {part} has no vocabulary, as its files are missing. "
                "Download the configuration again, with all of its .json and .txt files."
            )


def _restore_text_model(pipeline: Any) -> None:
    # transformers 5 dropped CLIPTextModel.text_model, which diffusers 0.42 still reads for clip_skip.
    encoder = getattr(pipeline, "text_encoder", None)
    if hasattr(encoder, "final_layer_norm") and not hasattr(encoder, "text_model"):
        encoder.__dict__["text_model"] = encoder
