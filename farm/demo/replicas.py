"""Several processes that train one model: each takes its part of every batch, and gradients are averaged.

On a CPU this beats threads within one process wherever something else runs on the machine too: threads meet at
every operation, a thousand times a step, and wait there for whichever was interrupted; replicas meet once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def replicate(work: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `work(*arguments)` in `count` processes of equal thread shares, or right here where `count` is 1.

    `work` and its arguments must be picklable. Raises what a replica raised, wrapped by torch.
    """
    if count == 1:
        work(*arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_member, (count, str(Path(folder) / "meeting"), work, arguments), nprocs=count)


def part() -> slice:
    """Which of a batch's samples this process takes: every one, or every n-th."""
    return slice(dist.get_rank(), None, dist.get_world_size()) if dist.is_initialized() else slice(None)


def is_first() -> bool:
    """Whether this process is the one that prints and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def average_gradients(model: nn.Module) -> None:
    """Make every replica's gradients the mean of all; nothing where there is one process."""
    if not dist.is_initialized():
        return
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, mean in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _member(
    rank: int, count: int, meeting: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    try:
        work(*arguments)
    finally:
        dist.destroy_process_group()
