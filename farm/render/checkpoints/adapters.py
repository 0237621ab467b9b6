"""What is laid over a pipeline or stands beside it: ControlNets, LoRAs, IP-Adapters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import diffusers
import torch
from transformers import CLIPVisionModelWithProjection

from farm.records import ControlNet, IpAdapter, Lora
from farm.render.checkpoints.adapter_files import USUAL_LORA, encoder_folder
from farm.render.checkpoints.hub import fetch, only_file
from farm.render.checkpoints.needed_files import model_files
from farm.render.checkpoints.sealed import sealed
from farm.render.checkpoints.told import told


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
