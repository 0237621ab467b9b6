"""Detect exhausted memory, and free memory."""

from __future__ import annotations

import gc

import torch

_OOM_MESSAGES = (
    "DefaultCPUAllocator",
    "std::bad_alloc",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""In the plain RuntimeErrors that torch raises when anything but its caching allocator runs out of memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a call failed because memory ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in _OOM_MESSAGES)


def free_memory() -> None:
    """Free unreferenced objects, and return a GPU's unused memory to the driver.

    Objects that an exception's traceback refers to are freed only after the `except` clause that caught it.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
