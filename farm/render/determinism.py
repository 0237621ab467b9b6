"""What makes a device repeat itself bit for bit: torch's process-wide settings, as strict or fast has them.

On CUDA, `strict` takes nothing that may answer otherwise the next time:

- cuDNN chooses its kernels by rule and not by timing them, among the deterministic ones; every other operation has
  a deterministic algorithm or raises.
- cuBLAS has workspaces of its own per stream, adds up in float32, and splits no sum among blocks (split-K).
- Attention is memory-efficient, with the plain formula where that refuses a shape. Flash attention takes half
  precision only and leaves the choice to the GPU's generation, cuDNN's is refused by torch as not deterministic;
  the memory-efficient kernel takes every dtype on every GPU, so nothing is left to choose.

`fast` lets cuDNN time its kernels and leaves the rest as torch has it. TensorFloat-32 is as torch has it in both, in
convolutions and not in matrix products: it rounds, it does not reorder, and a plain diffusers call has it so.

A CPU repeats itself with one thread. Both devices are held to it: noise is mixed on the CPU for either.
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
        "fill_uninitialized_memory": False,  # what is written over anyway
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
    """Set this process, and this thread of it, to `mode` on `device`.

    It takes microseconds after the first time, and stands before every chunk: renderers of both modes may share a
    process.
    """
    torch.set_num_threads(_THREADS)
    if device.type != "cuda":
        return
    for name, value in _CUDA[mode].items():
        _SETTERS[name](value)


def describe(mode: Determinism, device: torch.device) -> dict[str, object]:
    """Return what `apply` sets, and the versions of what computes on `device` beside torch."""
    if device.type != "cuda":
        return {"threads": _THREADS}
    return {
        "threads": _THREADS,
        "determinism": {"mode": mode, **_CUDA[mode], "cublas_workspace": _cublas_workspace()},
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
    }


def refused_operation(error: BaseException) -> str:
    """Return the first sentence of torch's refusal of an operation that is not deterministic, or nothing."""
    text = str(error)
    if "use_deterministic_algorithms" not in text:
        return ""
    return text.partition(", but you set")[0].partition(". ")[0]


def _cublas_workspace() -> str:
    return os.environ.get("CUBLAS_WORKSPACE_CONFIG", "")


def _driver(version: Path = Path("/proc/driver/nvidia/version")) -> str:
    """Return the release of NVIDIA's driver; empty where the machine does not tell."""
    try:
        found = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", version.read_text())
    except OSError:
        return ""
    return found[1] if found else ""


@contextmanager
def no_global_noise(device: torch.device, sampler: str) -> Iterator[None]:
    """Refuse what was computed inside if it drew from torch's global generators; `sampler` is who is to blame.

    Raises:
        RenderError: at the end, when one of the generators of the CPU or of `device` has moved.
    """
    before = _states(device)
    yield
    if not all(map(torch.equal, before, _states(device))):
        raise RenderError(
            f"{sampler}: drew noise from torch's global generator and not from the frame's own, so that the picture is "
            "no function of its recipe and could never be rendered again. Choose another model.scheduler; "
            "EulerAncestralDiscreteScheduler and DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ "
            "are stochastic and exact."
        )


def _states(device: torch.device) -> list[torch.Tensor]:
    """Return the generators' states, which lie in the CPU's memory: a GPU is not waited for."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states
