"""Loads additions to a pipeline: ControlNets, LoRAs, IP-Adapters, textual inversions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import diffusers
import torch
from safetensors.torch import load_file
from transformers import CLIPVisionModelWithProjection

from farm.errors import ModelError
from farm.inputs.checkpoints.adapters import ENCODER_OF, USUAL_EMBEDDING, USUAL_LORA, encoder_folder
from farm.inputs.checkpoints.hub import fetch, model_files, only_file
from farm.inputs.checkpoints.no_network import no_network
from farm.records import ControlNetSpec, IpAdapterSpec, LoraSpec, TextualInversionSpec
from farm.render.loading.errors import translate_errors

_UNNAMED = {*ENCODER_OF, "emb_params"}
"""Names of tensors that are not words; the last is AUTOMATIC1111's."""


def load_controlnets(controlnets: Sequence[ControlNetSpec], dtype: torch.dtype) -> dict[str, Any]:
    """Return a pipeline's `controlnet` argument, a list for several; empty without ControlNets."""
    nets = [_load_controlnet(net, dtype) for net in controlnets]
    if not nets:
        return {}
    return {"controlnet": nets[0] if len(nets) == 1 else nets}


def _load_controlnet(net: ControlNetSpec, dtype: torch.dtype) -> Any:
    with translate_errors(net.source, "a ControlNet"):
        folder = fetch(net.source, partial(_net_files, net))
    with translate_errors(net.source, "a ControlNet"), no_network():
        return diffusers.ControlNetModel.from_pretrained(
            str(folder),
            subfolder=net.subfolder or None,
            variant=net.variant,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
        )


def _net_files(net: ControlNetSpec, names: Sequence[str]) -> list[str]:
    return model_files(net.source.location, names, net.subfolder, net.variant)


def load_loras(pipeline: Any, loras: Sequence[LoraSpec]) -> None:
    """Load LoRAs into a pipeline, in their order."""
    for name, lora in zip(lora_names(loras), loras, strict=True):
        with translate_errors(lora.source, "a LoRA"):
            file = _lora_file(lora)
        with translate_errors(lora.source, "a LoRA"), no_network():
            pipeline.load_lora_weights(
                str(file.parent),
                weight_name=file.name,
                adapter_name=name,
                use_safetensors=True,
                local_files_only=True,
            )


def _lora_file(lora: LoraSpec) -> Path:
    if lora.source.kind == "file":
        return fetch(lora.source, lambda _: (), holds="weights")
    name = only_file(lora.source, lora.weight_name, USUAL_LORA)
    return fetch(lora.source, lambda _: [name], holds="weights") / name


def load_ip_adapters(pipeline: Any, adapters: Sequence[IpAdapterSpec]) -> None:
    """Load IP-Adapters into a pipeline, with the image encoder of the first unless the pipeline has one."""
    folders = []
    for adapter in adapters:
        with translate_errors(adapter.source, "an IP-Adapter"):
            folders.append(str(fetch(adapter.source, partial(_adapter_files, adapter))))
        if pipeline.image_encoder is None:
            with translate_errors(adapter.source, "an IP-Adapter"), no_network():
                # Not by load_ip_adapter, which falls back to a pickle.
                encoder = CLIPVisionModelWithProjection.from_pretrained(
                    folders[0],
                    subfolder=encoder_folder(adapter),
                    dtype=pipeline.dtype,
                    use_safetensors=True,
                    local_files_only=True,
                )
                pipeline.register_modules(image_encoder=encoder)
    if adapters:
        with no_network():
            pipeline.load_ip_adapter(
                folders,
                subfolder=[adapter.subfolder for adapter in adapters],
                weight_name=[adapter.weight_name for adapter in adapters],
                image_encoder_folder=None,
                local_files_only=True,
            )


def _adapter_files(adapter: IpAdapterSpec, names: Sequence[str]) -> list[str]:
    """Return the files of an adapter in its repository, which may contain several adapters."""
    weights = PurePosixPath(adapter.subfolder, adapter.weight_name).as_posix()
    return [weights, *model_files(adapter.source.location, names, encoder_folder(adapter), None)]


def lora_names(loras: Sequence[LoraSpec]) -> list[str]:
    """Return the adapter names of a pipeline's LoRAs."""
    return [f"lora{number}" for number in range(len(loras))]


def load_textual_inversions(pipeline: Any, inversions: tuple[TextualInversionSpec, ...]) -> None:
    """Load textual-inversion embeddings into a pipeline, from safetensors only.

    A token with several vectors becomes as many tokens, `word word_1 word_2`; pipelines expand it themselves.

    Raises:
        ModelError: when a file is missing or has no embedding, or its embedding is for another text encoder or an
            existing token.
    """
    for inversion in inversions:
        name = inversion.source.pretrained
        if not hasattr(pipeline, "load_textual_inversion"):
            raise ModelError(f"{name}: {type(pipeline).__name__} does not support textual inversion.")
        with translate_errors(inversion.source, "a textual inversion"):
            token, embeddings = _read(inversion)
        for encoder, embedding in embeddings.items():
            _check(pipeline, encoder, token, embedding, name)
        for encoder, embedding in embeddings.items():
            pipeline.load_textual_inversion(
                {token: embedding},
                text_encoder=getattr(pipeline, encoder),
                tokenizer=getattr(pipeline, _tokenizer_of(encoder)),
            )


def _read(inversion: TextualInversionSpec) -> tuple[str, Mapping[str, torch.Tensor]]:
    """Return a token, and its embedding for each text encoder."""
    name = inversion.source.pretrained
    file = _embedding_file(inversion)
    tensors: dict[str, torch.Tensor] = load_file(file)
    if not (len(tensors) == 1 or tensors.keys() == ENCODER_OF.keys()):
        first = ", ".join(sorted(tensors)[:3])
        raise ModelError(
            f"{name}: {file.name} is not a textual inversion: it has {len(tensors)} tensors ({first}, ...)."
        )
    name_in_file = next(iter(tensors))
    token = inversion.token or ("" if name_in_file in _UNNAMED else name_in_file)
    if not token:
        raise ModelError(
            f"{name}: {file.name} does not name its token: set token in model.textual_inversions."
        )
    return token, {ENCODER_OF.get(key, "text_encoder"): embedding for key, embedding in tensors.items()}


def _embedding_file(inversion: TextualInversionSpec) -> Path:
    source = inversion.source
    if source.kind == "file":
        return fetch(source, lambda _: (), holds="weights")
    file_name = only_file(source, inversion.weight_name, USUAL_EMBEDDING)
    if not file_name.endswith(".safetensors"):
        raise ModelError(
            f"{source.pretrained}: {file_name} is not a .safetensors file, and no other format is loaded."
        )
    return fetch(source, lambda _: [file_name], holds="weights") / file_name


def _check(pipeline: Any, encoder: str, token: str, embedding: torch.Tensor, name: str) -> None:
    kind = type(pipeline).__name__
    model = getattr(pipeline, encoder, None)
    if model is None:
        raise ModelError(f"{name}: the embedding is for a {encoder}, which this {kind} does not have.")
    width = model.get_input_embeddings().weight.shape[-1]
    if embedding.ndim not in (1, 2) or embedding.shape[-1] != width:
        raise ModelError(
            f"{name}: the embedding is for another model: its vectors have {embedding.shape[-1]} dimensions, those of "
            f"this {kind}'s {encoder} have {width}."
        )
    if token in getattr(pipeline, _tokenizer_of(encoder)).get_vocab():
        raise ModelError(
            f"{name}: the token {token} already exists in this {kind}: set another token in model.textual_inversions."
        )


def _tokenizer_of(encoder: str) -> str:
    return encoder.replace("text_encoder", "tokenizer")
