"""What is laid over a pipeline or stands beside it: ControlNets, LoRAs, IP-Adapters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import diffusers
import torch
from transformers import CLIPVisionModelWithProjection

from farm.records import ControlNet, IpAdapter, Lora
from farm.render.checkpoints.adapter_files import USUAL_LORA, encoder_folder
from farm.render.checkpoints.hub import is_offline, snapshot, weight_name
from farm.render.checkpoints.source import local_path
from farm.render.checkpoints.told import told


def load_controlnets(controlnets: Sequence[ControlNet], dtype: torch.dtype) -> dict[str, Any]:
    """Return the `controlnet` of a pipeline that has one, a list where there are several."""
    nets = [_load_controlnet(net, dtype) for net in controlnets]
    if not nets:
        return {}
    return {"controlnet": nets[0] if len(nets) == 1 else nets}


def _load_controlnet(net: ControlNet, dtype: torch.dtype) -> Any:
    with told(net.source, "a ControlNet"):
        return diffusers.ControlNetModel.from_pretrained(
            local_path(net.source),
            revision=net.source.revision or None,
            subfolder=net.subfolder or None,
            variant=net.variant,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=net.source.kind != "hub" or is_offline(),
        )


def load_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Lay LoRAs over a pipeline, in their order."""
    for name, lora in zip(lora_names(loras), loras, strict=True):
        with told(lora.source, "a LoRA"):
            path = Path(local_path(lora.source))
            if lora.source.kind == "file":
                place, file = str(path.parent), path.name
            else:
                place = local_path(lora.source)
                file = weight_name(lora.source, lora.weight_name, USUAL_LORA)
            pipeline.load_lora_weights(
                place,
                weight_name=file,
                revision=lora.source.revision or None,
                adapter_name=name,
                use_safetensors=True,
            )


def load_ip_adapters(pipeline: Any, adapters: Sequence[IpAdapter]) -> None:
    """Add IP-Adapters, with the image encoder of the first unless the pipeline has one."""
    folders = []
    for adapter in adapters:
        with told(adapter.source, "an IP-Adapter"):
            folders.append(snapshot(adapter.source, _files(adapter)))
            if pipeline.image_encoder is None:
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
        pipeline.load_ip_adapter(
            folders,
            subfolder=[adapter.subfolder for adapter in adapters],
            weight_name=[adapter.weight_name for adapter in adapters],
            image_encoder_folder=None,
            local_files_only=True,
        )


def _files(adapter: IpAdapter) -> list[str]:
    """Return what is needed of an adapter's repository, which may hold many."""
    encoder, weights = encoder_folder(adapter), PurePosixPath(adapter.subfolder, adapter.weight_name)
    return [str(weights), f"{encoder}/*.json", f"{encoder}/*.safetensors"]


def lora_names(loras: Sequence[Lora]) -> list[str]:
    """Return the names under which a pipeline holds its LoRAs."""
    return [f"lora{number}" for number in range(len(loras))]
