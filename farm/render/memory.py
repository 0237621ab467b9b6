"""Running out of memory: how libraries say it, and giving back what was taken."""

from __future__ import annotations

import gc

import torch

_SAYINGS = (
    "DefaultCPUAllocator",
    "std::bad_alloc",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""torch raises plain RuntimeErrors where it is not its caching allocator that has no room."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a call failed for want of memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error) for saying in _SAYINGS)


def give_back() -> None:
    """Free what nothing refers to any more, and hand a GPU's share of it back to the driver.

    What an exception's traceback refers to is not free before the `except` clause that caught it is left.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
