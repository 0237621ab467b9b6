"""What a renderer does in order to need less memory, as `model.memory` says.

- `offload`: weights lie in the CPU's memory and are brought to the GPU when they are needed: `model` one whole model
  at a time (little time lost), `group` a layer at a time, the next one on its way meanwhile, `sequential` a layer at
  a time and nothing meanwhile (least memory, much slower).
- `vae_slicing` decodes a batch's pictures one after the other, `vae_tiling` a large picture in tiles that overlap,
  which may show.
- `attention`: `math` is the plain formula, with most memory; `flash`, `efficient` and `cudnn` are torch's kernels,
  `xformers` is a package's; `sliced` is the plain formula a head at a time, slow.

A kernel that is named is taken wherever it takes the shape, and else the next of torch's: flash and cuDNN take half
precision only, and neither the wide attention of a VAE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from farm.errors import ModelError
from farm.records import MemorySpec

_KERNELS: Mapping[str, list[SDPBackend]] = {
    "math": [SDPBackend.MATH],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "cudnn": [SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}
_OF_A_GPU = ("efficient", "cudnn", "xformers")
_OF_HALF_PRECISION = ("flash", "cudnn")

_OFFLOAD: Mapping[str, Callable[[Any, torch.device], None]] = {
    "none": lambda pipeline, device: pipeline.to(device),
    "model": lambda pipeline, device: pipeline.enable_model_cpu_offload(device=device),
    "group": lambda pipeline, device: pipeline.enable_group_offload(
        onload_device=device, offload_type="leaf_level", use_stream=True
    ),
    "sequential": lambda pipeline, device: pipeline.enable_sequential_cpu_offload(device=device),
}


def place(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    """Bring a pipeline, with all that is laid over it, to `device` as `memory` says.

    Raises:
        ModelError: when the device, the pipeline or this machine lacks what an option needs.
    """
    _check_device(pipeline, memory, device)
    if memory.vae_slicing:
        _autoencoder(pipeline, "slicing").enable_slicing()
    if memory.vae_tiling:
        _autoencoder(pipeline, "tiling").enable_tiling()
    if memory.attention == "sliced":
        _slice_attention(pipeline)
    if memory.attention == "xformers":
        pipeline.enable_xformers_memory_efficient_attention()
    _OFFLOAD[memory.offload](pipeline, device)


def attention(memory: MemorySpec) -> AbstractContextManager[None]:
    """Return what stands around each call of a pipeline, so that torch attends with the kernel that is named.

    Within it strict determinism's choice, memory-efficient attention, is set aside, and is back after it.
    """
    kernels = _KERNELS.get(memory.attention)
    return nullcontext() if kernels is None else sdpa_kernel(kernels, set_priority=True)


def _check_device(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    named = memory.attention
    if device.type != "cuda":
        if memory.offload != "none":
            raise ModelError(
                f"model.memory.offload: {memory.offload} brings weights from the CPU's memory to a GPU, and this "
                "machine has none; allowed here: none."
            )
        if named in _OF_A_GPU:
            raise ModelError(
                f"model.memory.attention: {named} needs a GPU, and this machine has none; "
                "allowed here: default, math, flash, sliced."
            )
    elif named in _OF_HALF_PRECISION and pipeline.dtype == torch.float32:
        raise ModelError(
            f"model.memory.attention: {named} takes half precision only, and model.torch_dtype is float32; allowed: "
            "float16 or bfloat16, or another attention."
        )
    if named == "xformers" and find_spec("xformers") is None:
        raise ModelError(
            "model.memory.attention: xformers needs its package, which this machine does not have: "
            "pip install xformers"
        )


def _autoencoder(pipeline: Any, way: Literal["slicing", "tiling"]) -> Any:
    model = getattr(pipeline, "vae", None)
    if not hasattr(model, f"use_{way}"):
        raise ModelError(
            f"model.memory.vae_{way}: the autoencoder of {type(pipeline).__name__} knows no {way}; allowed: false."
        )
    return model


def _slice_attention(pipeline: Any) -> None:
    sliceable = [part for part in pipeline.components.values() if hasattr(part, "set_attention_slice")]
    if not sliceable:
        raise ModelError(
            f"model.memory.attention: {type(pipeline).__name__} has no attention that can be sliced; "
            "allowed: default, math, flash, efficient, cudnn."
        )
    ways = {type(way).__name__ for part in sliceable for way in getattr(part, "attn_processors", {}).values()}
    if any(name.startswith("IPAdapter") for name in ways):
        raise ModelError(
            "model.memory.attention: sliced attention does not see the image prompts of model.ip_adapters; "
            "allowed beside them: default, math, flash, efficient, cudnn, xformers."
        )
    pipeline.enable_attention_slicing("max")
