"""Bit-for-bit repeatable devices: torch's process-wide settings for the modes strict and fast.

On CUDA, `strict` uses deterministic operations only:

- cuDNN selects its kernels by rule instead of timing them, among the deterministic ones; every other operation has
  a deterministic algorithm or raises.
- cuBLAS has a separate workspace per stream, accumulates in float32, and does not split sums among blocks (split-K).
- Attention uses the memory-efficient kernel, and the plain formula for shapes that it does not support. Flash
  attention supports half precision only, and torch's choice of its kernel depends on the GPU's generation; torch
  refuses cuDNN's as not deterministic. The memory-efficient kernel supports every dtype on every GPU, so that no choice
  is left.

`fast` lets cuDNN time its kernels and keeps torch's defaults otherwise. Both modes keep torch's default for
TensorFloat-32, on in convolutions and off in matrix products: it rounds but does not reorder, and a plain diffusers
call uses the same.

A CPU is repeatable with one thread. GPUs use one as well, because noise is mixed on the CPU for either.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from farm.errors import RenderError
from farm.records import Determinism

_THREADS = 1
_Settings = Mapping[str, object]

_CUDA: Mapping[Determinism, _Settings] = {
    "strict": {
        "cudnn.benchmark": False,
        "cudnn.deterministic": True,
        "deterministic_algorithms": True,
        "fill_uninitialized_memory": False,  # it is overwritten anyway
        "flash_attention": False,
        "cudnn_attention": False,
        "memory_efficient_attention": True,
        "math_attention": True,
        "float16_reduced_and_split_k": (False, False),
        "bfloat16_reduced_and_split_k": (False, False),
        "convolutions": "tf32",
        "matrix_products": "ieee",
    },
    "fast": {
        "cudnn.benchmark": True,
        "cudnn.deterministic": False,
        "deterministic_algorithms": False,
        "fill_uninitialized_memory": True,
        "flash_attention": True,
        "cudnn_attention": True,
        "memory_efficient_attention": True,
        "math_attention": True,
        "float16_reduced_and_split_k": (True, True),
        "bfloat16_reduced_and_split_k": (True, True),
        "convolutions": "tf32",
        "matrix_products": "ieee",
    },
}


def _set(owner: object, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


_SETTERS: Mapping[str, Callable[[Any], None]] = {
    "cudnn.benchmark": _set(torch.backends.cudnn, "benchmark"),
    "cudnn.deterministic": _set(torch.backends.cudnn, "deterministic"),
    "deterministic_algorithms": torch.use_deterministic_algorithms,
    "fill_uninitialized_memory": _set(torch.utils.deterministic, "fill_uninitialized_memory"),
    "flash_attention": torch.backends.cuda.enable_flash_sdp,
    "cudnn_attention": torch.backends.cuda.enable_cudnn_sdp,
    "memory_efficient_attention": torch.backends.cuda.enable_mem_efficient_sdp,
    "math_attention": torch.backends.cuda.enable_math_sdp,
    "float16_reduced_and_split_k": _set(torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction"),
    "bfloat16_reduced_and_split_k": _set(
        torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"
    ),
    "convolutions": _set(torch.backends.cudnn.conv, "fp32_precision"),
    "matrix_products": _set(torch.backends.cuda.matmul, "fp32_precision"),
}


def apply(mode: Determinism, device: torch.device) -> None:
    """Set `mode` on `device`, for this process and this thread.

    Called before every chunk, since renderers of both modes may share a process; it takes microseconds after the first
    time.
    """
    torch.set_num_threads(_THREADS)
    if device.type != "cuda":
        return
    for name, value in _CUDA[mode].items():
        _SETTERS[name](value)


def describe(mode: Determinism, device: torch.device) -> dict[str, object]:
    """Return the settings of `apply`, and the versions of the libraries and driver that torch uses on `device`."""
    if device.type != "cuda":
        return {"threads": _THREADS}
    return {
        "threads": _THREADS,
        "determinism": {"mode": mode, **_CUDA[mode], "cublas_workspace": _cublas_workspace()},
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
    }


def nondeterministic_operation(error: BaseException) -> str:
    """Return the first sentence of torch's error about an operation that is not deterministic; empty for others."""
    text = str(error)
    if "use_deterministic_algorithms" not in text:
        return ""
    return text.partition(", but you set")[0].partition(". ")[0]


def _cublas_workspace() -> str:
    return os.environ.get("CUBLAS_WORKSPACE_CONFIG", "")


def _driver(version: Path = Path("/proc/driver/nvidia/version")) -> str:
    """Return the version of NVIDIA's driver; empty if it is unknown."""
    try:
        found = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", version.read_text())
    except OSError:
        return ""
    return found[1] if found else ""


@contextmanager
def no_global_noise(device: torch.device, sampler: str) -> Iterator[None]:
    """Refuse a result for which `sampler` drew noise from torch's global generators.

    Raises:
        RenderError: at the end of the block, when the state of a generator of the CPU or of `device` has changed.
    """
    before = _states(device)
    yield
    if not all(map(torch.equal, before, _states(device))):
        raise RenderError(
            f"{sampler}: drew noise from torch's global generator instead of the frame's own, so that the frame could "
            "not be reproduced from its recipe. Choose another model.scheduler; EulerAncestralDiscreteScheduler and "
            "DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ are stochastic and reproducible."
        )


def _states(device: torch.device) -> list[torch.Tensor]:
    """Return the generators' states, which are in the CPU's memory: reading them does not synchronize a GPU."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states
