"""Loads diffusers pipelines: from safetensors only, and never with code that comes with a checkpoint."""

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
from farm.inputs.checkpoints.no_network import sealed
from farm.inputs.checkpoints.source import check_unchanged
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
from farm.render.families import pipeline_class
from farm.render.loading.adapters import (
    load_controlnets,
    load_ip_adapters,
    load_loras,
    load_textual_inversions,
)
from farm.render.loading.component_classes import check_components
from farm.render.loading.errors import name_of, told
from farm.render.loading.memory import place
from farm.render.pictures import encode_once


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
