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
from farm.render.memory import give_back

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


_PREFIX = "farm-text-encoders-"


class TextEncoders:
    """The text encoders of a pipeline that is placed: away, until they are restored for prompts that are new.

    A GPU's go to the CPU's memory; the CPU's own into files among the temporary ones (`TMPDIR`), as they are: with
    the words that they have learned and the LoRAs in them. While they are away the pipeline has none, and takes
    embeddings. A LoRA's scale is set while they are there.

    Raises:
        ModelError: when the pipeline has none that it can do without, or there is no room for the files.
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
                f"model.memory.release_text_encoders: {type(pipeline).__name__} cannot do without its text encoder; "
                "allowed: false."
            )
        self._are_there = True
        if device.type == "cpu":
            _sweep()
            self._folder = TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
            for name, encoder in self._encoders.items():
                _write(encoder, self._file(name))
        # At once, so that the first prompt is encoded by what every other is encoded by: weights at other addresses
        # may give other last bits.
        self.release()

    def release(self) -> None:
        """Free the memory of the text encoders, if they are there."""
        if not self._are_there:
            return
        for name, encoder in self._encoders.items():
            setattr(self._pipeline, name, None)
            if self._device.type == "cpu":
                for weight in encoder.parameters():
                    weight.data = weight.data.new_empty(0)
            else:
                encoder.to("cpu")
        self._are_there = False
        give_back()
        _give_back_to_the_system()

    def restore(self) -> None:
        """Have the text encoders back as they were, if they are away."""
        if self._are_there:
            return
        for name, encoder in self._encoders.items():
            if self._device.type == "cpu":
                _read(encoder, self._file(name))
            else:
                encoder.to(self._device)
            setattr(self._pipeline, name, encoder)
        self._are_there = True

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Have the text encoders there inside, and away again after it."""
        self.restore()
        try:
            yield
        finally:
            self.release()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.safetensors"


def _sweep() -> None:
    """Remove what processes left that were killed, as Ray ends its workers."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _write(encoder: torch.nn.Module, file: Path) -> None:
    try:
        save_file({name: weight.data.contiguous() for name, weight in encoder.named_parameters()}, file)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"model.memory.release_text_encoders: {file.parent} cannot take the text encoders: {error}. Set TMPDIR to "
            "a folder with room for them."
        ) from error


def _read(encoder: torch.nn.Module, file: Path) -> None:
    with safe_open(file, framework="pt") as weights:
        for name, weight in encoder.named_parameters():
            weight.data = weights.get_tensor(name).clone()  # no view of the file


def _give_back_to_the_system() -> None:
    """Have the C library hand over what is free: glibc keeps it, matrices of up to 32 MB, for whoever asks next."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return
    trim(0)
