"""Options of `model.memory`, which reduce a renderer's memory use.

- `offload`: weights stay in the CPU's memory and move to the GPU when needed: `model` one complete model at a time
  (slightly slower), `group` a layer at a time while the next one is being copied, `sequential` a layer at a time
  without overlap (least memory, much slower).
- `vae_slicing` decodes the images of a batch one by one, `vae_tiling` a large image in overlapping tiles, whose seams
  may be visible.
- `attention`: `math` is the plain formula, with most memory; `flash`, `efficient` and `cudnn` are torch's kernels, and
  `xformers` is that of its package; `sliced` is the plain formula, one head at a time, slow.

A named kernel is used for every shape that it supports, and torch's next one for others: flash and cuDNN support half
precision only, and not the wide attention of a VAE.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Literal

import psutil
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

from farm.errors import ModelError
from farm.records import MemorySpec
from farm.render.memory import free_memory

_KERNELS: Mapping[str, list[SDPBackend]] = {
    "math": [SDPBackend.MATH],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "cudnn": [SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}
_GPU_ATTENTION = ("efficient", "cudnn", "xformers")
_HALF_PRECISION_ATTENTION = ("flash", "cudnn")

_TEMPORARY_PREFIX = "farm-text-encoders-"

_OFFLOAD: Mapping[str, Callable[[Any, torch.device], None]] = {
    "none": lambda pipeline, device: pipeline.to(device),
    "model": lambda pipeline, device: pipeline.enable_model_cpu_offload(device=device),
    "group": lambda pipeline, device: pipeline.enable_group_offload(
        onload_device=device, offload_type="leaf_level", use_stream=True
    ),
    "sequential": lambda pipeline, device: pipeline.enable_sequential_cpu_offload(device=device),
}


def move_to_device(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    """Move a pipeline with its adapters to `device`, with the options of `memory`.

    Raises:
        ModelError: when the device, the pipeline or this machine does not support an option.
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


def attention_kernel(memory: MemorySpec) -> AbstractContextManager[None]:
    """Return the context of a pipeline's call in which torch computes attention with the named kernel.

    It overrides the choice of strict determinism, memory-efficient attention.
    """
    kernels = _KERNELS.get(memory.attention)
    return nullcontext() if kernels is None else sdpa_kernel(kernels, set_priority=True)


def _check_device(pipeline: Any, memory: MemorySpec, device: torch.device) -> None:
    named = memory.attention
    if device.type != "cuda":
        if memory.offload != "none":
            raise ModelError(
                f"model.memory.offload: {memory.offload} moves weights from the CPU's memory to a GPU, and this "
                "machine has none; allowed here: none."
            )
        if named in _GPU_ATTENTION:
            raise ModelError(
                f"model.memory.attention: {named} needs a GPU, and this machine has none; "
                "allowed here: default, math, flash, sliced."
            )
    elif named in _HALF_PRECISION_ATTENTION and pipeline.dtype == torch.float32:
        raise ModelError(
            f"model.memory.attention: {named} supports half precision only, and model.torch_dtype is float32; allowed: "
            "float16 or bfloat16, or another attention."
        )
    if named == "xformers" and find_spec("xformers") is None:
        raise ModelError(
            "model.memory.attention: xformers needs its package, which is not installed here: pip install xformers"
        )


def _autoencoder(pipeline: Any, option: Literal["slicing", "tiling"]) -> Any:
    model = getattr(pipeline, "vae", None)
    if not hasattr(model, f"use_{option}"):
        raise ModelError(
            f"model.memory.vae_{option}: the autoencoder of {type(pipeline).__name__} does not support it; "
            "allowed: false."
        )
    return model


def _slice_attention(pipeline: Any) -> None:
    sliceable = [part for part in pipeline.components.values() if hasattr(part, "set_attention_slice")]
    if not sliceable:
        raise ModelError(
            f"model.memory.attention: {type(pipeline).__name__} does not support sliced attention; "
            "allowed: default, math, flash, efficient, cudnn."
        )
    processors = (each for part in sliceable for each in getattr(part, "attn_processors", {}).values())
    if any(type(each).__name__.startswith("IPAdapter") for each in processors):
        raise ModelError(
            "model.memory.attention: sliced attention ignores the image prompts of model.ip_adapters; "
            "allowed with them: default, math, flash, efficient, cudnn, xformers."
        )
    pipeline.enable_attention_slicing("max")


class TextEncoders:
    """The text encoders of a pipeline on its device: released, except while new prompts are encoded.

    On a GPU they are moved to the CPU's memory, on a CPU into temporary files (in `TMPDIR`), with textual inversions
    and LoRAs. While they are released, the pipeline has none and takes embeddings. The scales of LoRAs are set while
    they are loaded.

    Raises:
        ModelError: when the pipeline cannot run without its text encoders, or the files cannot be written.
    """

    def __init__(self, pipeline: Any, device: torch.device) -> None:
        self._pipeline, self._device = pipeline, device
        self._encoders: dict[str, torch.nn.Module] = {
            name: part
            for name, part in pipeline.components.items()
            if name.startswith("text_encoder") and part is not None
        }
        if not self._encoders:
            raise ModelError(
                f"model.memory.release_text_encoders: {type(pipeline).__name__} cannot run without its text encoder; "
                "allowed: false."
            )
        self._are_loaded = True
        if device.type == "cpu":
            _remove_abandoned()
            self._folder = TemporaryDirectory(prefix=f"{_TEMPORARY_PREFIX}{os.getpid()}-")
            for name, encoder in self._encoders.items():
                _write(encoder, self._file(name))
        # At once, so that all prompts are encoded by reloaded weights: other addresses may give other last bits.
        self.release()

    def release(self) -> None:
        """Free the memory of the text encoders, if they are loaded."""
        if not self._are_loaded:
            return
        for name, encoder in self._encoders.items():
            setattr(self._pipeline, name, None)
            if self._device.type == "cpu":
                for weight in encoder.parameters():
                    weight.data = weight.data.new_empty(0)
            else:
                encoder.to("cpu")
        self._are_loaded = False
        free_memory()
        _trim_heap()

    def load(self) -> None:
        """Load the text encoders as they were, if they are released."""
        if self._are_loaded:
            return
        for name, encoder in self._encoders.items():
            if self._device.type == "cpu":
                _read(encoder, self._file(name))
            else:
                encoder.to(self._device)
            setattr(self._pipeline, name, encoder)
        self._are_loaded = True

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """Load the text encoders, and release them at the end of the block."""
        self.load()
        try:
            yield
        finally:
            self.release()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.safetensors"


def _remove_abandoned() -> None:
    """Remove the files of killed processes: Ray kills its workers."""
    for folder in Path(gettempdir()).glob(f"{_TEMPORARY_PREFIX}*-*"):
        number = folder.name.removeprefix(_TEMPORARY_PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _write(encoder: torch.nn.Module, file: Path) -> None:
    try:
        save_file({name: weight.data.contiguous() for name, weight in encoder.named_parameters()}, file)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"model.memory.release_text_encoders: the text encoders cannot be written to {file.parent}: {error}. Set "
            "TMPDIR to a folder with enough free space."
        ) from error


def _read(encoder: torch.nn.Module, file: Path) -> None:
    with safe_open(file, framework="pt") as weights:
        for name, weight in encoder.named_parameters():
            weight.data = weights.get_tensor(name).clone()  # instead of a view of the file


def _trim_heap() -> None:
    """Return free heap memory to the system: glibc keeps freed blocks, such as matrices of up to 32 MB."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return
    trim(0)
