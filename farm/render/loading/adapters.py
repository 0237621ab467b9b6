"""What is laid over a pipeline or stands beside it: ControlNets, LoRAs, IP-Adapters."""

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
from farm.inputs.checkpoints.hub import fetch, model_files, only_file
from farm.inputs.checkpoints.lora import ENCODER_OF, USUAL_LORA, USUAL_WORD, encoder_folder
from farm.inputs.checkpoints.no_network import sealed
from farm.records import ControlNet, IpAdapter, Lora, TextualInversion
from farm.render.loading.errors import told


def load_controlnets(controlnets: Sequence[ControlNet], dtype: torch.dtype) -> dict[str, Any]:
    """Return the `controlnet` of a pipeline that has one, a list where there are several."""
    nets = [_load_controlnet(net, dtype) for net in controlnets]
    if not nets:
        return {}
    return {"controlnet": nets[0] if len(nets) == 1 else nets}


def _load_controlnet(net: ControlNet, dtype: torch.dtype) -> Any:
    with told(net.source, "a ControlNet"):
        folder = fetch(net.source, partial(_net_files, net))
    with told(net.source, "a ControlNet"), sealed():
        return diffusers.ControlNetModel.from_pretrained(
            str(folder),
            subfolder=net.subfolder or None,
            variant=net.variant,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
        )


def _net_files(net: ControlNet, names: Sequence[str]) -> list[str]:
    return model_files(net.source.location, names, net.subfolder, net.variant)


def load_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Lay LoRAs over a pipeline, in their order."""
    for name, lora in zip(lora_names(loras), loras, strict=True):
        with told(lora.source, "a LoRA"):
            file = _file(lora)
        with told(lora.source, "a LoRA"), sealed():
            pipeline.load_lora_weights(
                str(file.parent),
                weight_name=file.name,
                adapter_name=name,
                use_safetensors=True,
                local_files_only=True,
            )


def _file(lora: Lora) -> Path:
    if lora.source.kind == "file":
        return fetch(lora.source, lambda _: (), holds="weights")
    name = only_file(lora.source, lora.weight_name, USUAL_LORA)
    return fetch(lora.source, lambda _: [name], holds="weights") / name


def load_ip_adapters(pipeline: Any, adapters: Sequence[IpAdapter]) -> None:
    """Add IP-Adapters, with the image encoder of the first unless the pipeline has one."""
    folders = []
    for adapter in adapters:
        with told(adapter.source, "an IP-Adapter"):
            folders.append(str(fetch(adapter.source, partial(_files, adapter))))
        if pipeline.image_encoder is None:
            with told(adapter.source, "an IP-Adapter"), sealed():
                # Not by load_ip_adapter, which takes a pickle where there is no safetensors.
                encoder = CLIPVisionModelWithProjection.from_pretrained(
                    folders[0],
                    subfolder=encoder_folder(adapter),
                    dtype=pipeline.dtype,
                    use_safetensors=True,
                    local_files_only=True,
                )
                pipeline.register_modules(image_encoder=encoder)
    if adapters:
        with sealed():
            pipeline.load_ip_adapter(
                folders,
                subfolder=[adapter.subfolder for adapter in adapters],
                weight_name=[adapter.weight_name for adapter in adapters],
                image_encoder_folder=None,
                local_files_only=True,
            )


def _files(adapter: IpAdapter, names: Sequence[str]) -> list[str]:
    """Return what is needed of an adapter's repository, which may hold many."""
    weights = PurePosixPath(adapter.subfolder, adapter.weight_name).as_posix()
    return [weights, *model_files(adapter.source.location, names, encoder_folder(adapter), None)]


def lora_names(loras: Sequence[Lora]) -> list[str]:
    """Return the names under which a pipeline holds its LoRAs."""
    return [f"lora{number}" for number in range(len(loras))]


_NAMELESS = {*ENCODER_OF, "emb_params"}
"""What a file holds that does not say its word; the last as AUTOMATIC1111's web interface writes it."""


def load_textual_inversions(pipeline: Any, inversions: tuple[TextualInversion, ...]) -> None:
    """Teach a pipeline words, from safetensors only.

    A word of several vectors is that many tokens, `word word_1 word_2`, into which pipelines turn it themselves.

    Raises:
        ModelError: when a file is not there, or holds no learned word, one for another text encoder, or one that is
            there already.
    """
    for inversion in inversions:
        name = inversion.source.pretrained
        if not hasattr(pipeline, "load_textual_inversion"):
            raise ModelError(f"{name}: {type(pipeline).__name__} learns no words by textual inversion.")
        with told(inversion.source, "a textual inversion"):
            word, vectors = _read(inversion)
        for encoder, learned in vectors.items():
            _check(pipeline, encoder, word, learned, name)
        for encoder, learned in vectors.items():
            pipeline.load_textual_inversion(
                {word: learned},
                text_encoder=getattr(pipeline, encoder),
                tokenizer=getattr(pipeline, _tokenizer_of(encoder)),
            )


def _read(inversion: TextualInversion) -> tuple[str, Mapping[str, torch.Tensor]]:
    """Return a word, and its vectors by the encoder that they are for."""
    name = inversion.source.pretrained
    file = _embedding_file(inversion)
    tensors: dict[str, torch.Tensor] = load_file(file)
    if not (len(tensors) == 1 or tensors.keys() == ENCODER_OF.keys()):
        some = ", ".join(sorted(tensors)[:3])
        raise ModelError(
            f"{name}: {file.name} is no textual inversion: it holds {len(tensors)} tensors ({some}, ...)."
        )
    own = next(iter(tensors))
    word = inversion.token or ("" if own in _NAMELESS else own)
    if not word:
        raise ModelError(
            f"{name}: {file.name} does not say which word it is: give it as token in model.textual_inversions."
        )
    return word, {ENCODER_OF.get(key, "text_encoder"): learned for key, learned in tensors.items()}


def _embedding_file(inversion: TextualInversion) -> Path:
    source = inversion.source
    if source.kind == "file":
        return fetch(source, lambda _: (), holds="weights")
    wanted = only_file(source, inversion.weight_name, USUAL_WORD)
    if not wanted.endswith(".safetensors"):
        raise ModelError(
            f"{source.pretrained}: {wanted} is no .safetensors file, and nothing else is loaded."
        )
    return fetch(source, lambda _: [wanted], holds="weights") / wanted


def _check(pipeline: Any, encoder: str, word: str, learned: torch.Tensor, name: str) -> None:
    kind = type(pipeline).__name__
    model = getattr(pipeline, encoder, None)
    if model is None:
        raise ModelError(f"{name}: it is learned for a {encoder}, and this {kind} has none.")
    width = model.get_input_embeddings().weight.shape[-1]
    if learned.ndim not in (1, 2) or learned.shape[-1] != width:
        raise ModelError(
            f"{name}: it is learned for another model: its vectors are {learned.shape[-1]} numbers wide, and those of "
            f"this {kind}'s {encoder} {width}."
        )
    if word in getattr(pipeline, _tokenizer_of(encoder)).get_vocab():
        raise ModelError(
            f"{name}: {word} is a word already of this {kind}: give another as token in model.textual_inversions."
        )


def _tokenizer_of(encoder: str) -> str:
    return encoder.replace("text_encoder", "tokenizer")
