"""The training loop: resumable after any interruption, on one process or several.

Replicas are processes that train one model: each takes its share of every batch, and gradients are averaged. On a CPU
that other work uses too, replicas are faster than threads: threads synchronize at every operation, a thousand times
per step, and wait for whichever was interrupted; replicas synchronize once.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

LossAt = Callable[[int, torch.Generator], torch.Tensor]
"""The loss of a step; all its randomness comes from the generator, which is seeded by the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How one model is trained."""

    name: str
    steps: int
    learning_rate: float
    """Peak, after the warm-up."""
    checkpoint: Path
    """State for resuming, and the result."""
    seed: int
    warmup: int = 100
    """Steps of linear warm-up."""
    weight_decay: float = 0.01
    ema_decay: float = 0.0
    """Decay of the exponential moving average of the weights, which is the result; 0 keeps the last weights."""
    save_every: int = 100
    log_every: int = 50
    floor: float = 0.02
    """Share of the peak learning rate at the end of the cosine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """The weights after training, and how long it took."""

    weights: Mapping[str, torch.Tensor]
    step: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class _State:
    step: int = 0
    seconds: float = 0.0
    ema: dict[str, torch.Tensor] = field(default_factory=dict)


def train(model: nn.Module, loss_at: LossAt, config: TrainConfig) -> TrainResult:
    """Train `model` in place, from its checkpoint if there is one, and load the resulting weights into it."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    state = _resume(model, optimizer, config)
    first_step, smoothed = state.step, 0.0
    start = time.monotonic()
    seconds_before = state.seconds
    while state.step < config.steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(config, state.step)
        loss = loss_at(state.step, torch.Generator().manual_seed(config.seed * 1_000_003 + state.step))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        _average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        state.step += 1
        _update_ema(model, state, config)
        value = float(loss.detach())
        smoothed = value if state.step == first_step + 1 else 0.98 * smoothed + 0.02 * value
        elapsed = time.monotonic() - start
        state.seconds = seconds_before + elapsed
        if is_main_process():
            if state.step % config.log_every == 0:
                _log(config, state.step, smoothed, elapsed / (state.step - first_step))
            if state.step % config.save_every == 0 or state.step == config.steps:
                _save(model, optimizer, state, config)
    if state.ema:
        model.load_state_dict(state.ema)
    model.eval()
    return TrainResult(weights=model.state_dict(), step=state.step, seconds=state.seconds)


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """Return the rate of a step: linear warm-up, then a cosine down to `floor` of the peak at the last step."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (
        config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    )


def load_weights(model: nn.Module, checkpoint: Path) -> TrainResult:
    """Load the weights of a checkpoint into `model`, also of a training that is still running.

    Raises:
        FileNotFoundError: nothing was saved yet.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["ema"] or saved["model"])
    model.eval()
    return TrainResult(weights=model.state_dict(), step=saved["step"], seconds=saved["seconds"])


def spawn_replicas(work: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `work(*arguments)` in `count` processes with equal shares of the threads; in this process if `count` is 1.

    `work` and its arguments must be picklable.

    Raises:
        torch.multiprocessing.ProcessRaisedException: a replica raised an exception.
    """
    if count == 1:
        work(*arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_run_replica, (count, str(Path(folder) / "rendezvous"), work, arguments), nprocs=count)


def replica_slice() -> slice:
    """Return which samples of a batch this process computes: all of them, or every n-th."""
    return slice(dist.get_rank(), None, dist.get_world_size()) if dist.is_initialized() else slice(None)


def is_main_process() -> bool:
    """Return whether this process prints and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def _run_replica(
    rank: int, count: int, rendezvous: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=count)
    try:
        work(*arguments)
    finally:
        dist.destroy_process_group()


def _average_gradients(model: nn.Module) -> None:
    """Make every replica's gradients the mean of all; do nothing with one process."""
    if not dist.is_initialized():
        return
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, mean in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _update_ema(model: nn.Module, state: _State, config: TrainConfig) -> None:
    if not config.ema_decay:
        return
    current = model.state_dict()
    if not state.ema:
        state.ema = {name: value.detach().clone() for name, value in current.items()}
        return
    # Early on the average must forget the random start: Karras et al. 2022 ramp the decay up likewise.
    decay = min(config.ema_decay, (1 + state.step) / (10 + state.step))
    for name, value in current.items():
        mean = state.ema[name]
        if mean.is_floating_point():
            mean.lerp_(value.detach(), 1 - decay)
        else:
            mean.copy_(value)


def _log(config: TrainConfig, step: int, loss: float, seconds_per_step: float) -> None:
    left = seconds_per_step * (config.steps - step) / 60
    print(
        f"{config.name}: step {step}/{config.steps} loss {loss:.4f} {seconds_per_step:.3f} s/step "
        f"left {left:.1f} min",
        file=sys.stderr,
        flush=True,
    )


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, state: _State, config: TrainConfig) -> None:
    config.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    part = config.checkpoint.with_suffix(".part")
    saved: dict[str, Any] = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "ema": state.ema,
        "step": state.step,
        "seconds": state.seconds,
    }
    torch.save(saved, part)
    part.replace(config.checkpoint)


def _resume(model: nn.Module, optimizer: torch.optim.Optimizer, config: TrainConfig) -> _State:
    if not config.checkpoint.exists():
        return _State()
    saved = torch.load(config.checkpoint, map_location=next(model.parameters()).device, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return _State(step=saved["step"], seconds=saved["seconds"], ema=saved["ema"])
