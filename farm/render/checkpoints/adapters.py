"""What is laid over a pipeline or stands beside it: ControlNets, LoRAs, IP-Adapters; and their scales."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import diffusers
import torch
from huggingface_hub import list_repo_files, snapshot_download
from transformers import CLIPVisionModelWithProjection

from farm.records import ControlNet, DiffusersSpec, IpAdapter, Lora, ModelSource, Scalar
from farm.render.checkpoints.adapter_files import USUAL_LORA, encoder_folder, only_or_usual
from farm.render.checkpoints.source import local_path
from farm.render.checkpoints.told import told
from farm.render.prompts.prompt_columns import AtHand


def is_offline() -> bool:
    """Tell whether the user forbids asking the hub, in one of the words that huggingface_hub takes for yes."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


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
    for name, lora in zip(_lora_names(loras), loras, strict=True):
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


def weight_name(source: ModelSource, written: str | None, usual: str) -> str:
    """Return the name of an adapter's file in its folder or repository: as written, of the only one, or the usual.

    diffusers would look for it on the hub's main branch, whatever the commit, and offline not at all.
    """
    if written:
        return written
    if source.kind == "hub" and not is_offline():
        there = list_repo_files(source.location, revision=source.revision)
    else:
        there = [file.name for file in Path(_snapshot(source, ["*.safetensors"])).iterdir()]
    return only_or_usual(there, usual)


def load_ip_adapters(pipeline: Any, adapters: Sequence[IpAdapter]) -> None:
    """Add IP-Adapters, with the image encoder of the first unless the pipeline has one."""
    folders = []
    for adapter in adapters:
        with told(adapter.source, "an IP-Adapter"):
            folders.append(_snapshot(adapter.source, _files(adapter)))
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


def _snapshot(source: ModelSource, files: list[str]) -> str:
    """Return the folder of a source: diffusers takes an image encoder from the main branch, whatever it is told."""
    if source.kind != "hub":
        return local_path(source)
    return snapshot_download(
        source.location, revision=source.revision, allow_patterns=files, local_files_only=is_offline()
    )


class AdapterScales:
    """Sets how strongly LoRAs and IP-Adapters act, from a frame's `lora_scale.<k>` and `ip_adapter_scale.<k>`.

    Text encoders, into which LoRAs reach, are there within `at_hand`.
    """

    def __init__(self, pipeline: Any, spec: DiffusersSpec, at_hand: AtHand) -> None:
        self._pipeline = pipeline
        self._at_hand = at_hand
        self._loras = _lora_names(spec.loras)
        self._image_adapters = len(spec.ip_adapters)
        self._set: tuple[Scalar, ...] = ()

    def set(self, arguments: Mapping[str, Scalar]) -> bool:
        """Set the scales of a frame; tell whether LoRAs, which reach into text encoders, act otherwise than before."""
        if self._image_adapters:
            scales = [arguments[f"ip_adapter_scale.{number}"] for number in range(self._image_adapters)]
            self._pipeline.set_ip_adapter_scale(scales)
        wanted = tuple(arguments[f"lora_scale.{number}"] for number in range(len(self._loras)))
        if wanted == self._set:
            return False
        self._set = ()  # nobody knows which are set, should this fail
        with self._at_hand():
            self._pipeline.set_adapters(self._loras, adapter_weights=list(wanted))
        self._set = wanted
        return True


def _lora_names(loras: Sequence[Lora]) -> list[str]:
    return [f"lora{number}" for number in range(len(loras))]
