"""A training loop that can be killed anywhere and goes on where its last checkpoint was."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from farm.demo.replicas import average_gradients, is_first

LossAt = Callable[[int, torch.Generator], torch.Tensor]
"""The loss of a step; all its randomness comes from the generator, which is seeded by the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one training runs."""

    name: str
    steps: int
    learning_rate: float
    checkpoint: Path
    seed: int
    warmup: int = 100
    weight_decay: float = 0.01
    ema_decay: float = 0.0
    """Decay of the running mean of the weights, which is what a training leaves; 0 leaves the last weights."""
    save_every: int = 100
    log_every: int = 50
    floor: float = 0.02
    """Share of the learning rate that the cosine ends at."""


@dataclass(slots=True, kw_only=True)
class _State:
    step: int = 0
    seconds: float = 0.0
    ema: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training left behind."""

    weights: Mapping[str, torch.Tensor]
    step: int
    seconds: float


def learning_rate_at(course: Course, step: int) -> float:
    """Linear warm-up, then a cosine down to `floor` of the peak at the last step."""
    if step < course.warmup:
        return course.learning_rate * (step + 1) / course.warmup
    share = (step - course.warmup) / max(1, course.steps - course.warmup)
    return course.learning_rate * (
        course.floor + (1 - course.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    )


def train(model: nn.Module, loss_at: LossAt, course: Course) -> Trained:
    """Train `model` in place and load the resulting (mean) weights into it."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), course.learning_rate, weight_decay=course.weight_decay)
    state = _resume(model, optimizer, course)
    begun, begun_at, shown = time.monotonic() - state.seconds, state.step, 0.0
    first = time.monotonic()
    while state.step < course.steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(course, state.step)
        loss = loss_at(state.step, torch.Generator().manual_seed(course.seed * 1_000_003 + state.step))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        state.step += 1
        _average(model, state, course)
        shown = (
            float(loss.detach()) if state.step == begun_at + 1 else 0.98 * shown + 0.02 * float(loss.detach())
        )
        state.seconds = time.monotonic() - begun
        if state.step % course.log_every == 0 and is_first():
            pace = (time.monotonic() - first) / (state.step - begun_at)
            left = pace * (course.steps - state.step)
            print(
                f"{course.name}: step {state.step}/{course.steps} loss {shown:.4f} {pace:.3f} s/step "
                f"left {left / 60:.1f} min",
                file=sys.stderr,
                flush=True,
            )
        if (state.step % course.save_every == 0 or state.step == course.steps) and is_first():
            _save(model, optimizer, state, course)
    if state.ema:
        model.load_state_dict(state.ema)
    model.eval()
    return Trained(weights=model.state_dict(), step=state.step, seconds=state.seconds)


def load_weights(model: nn.Module, checkpoint: Path) -> Trained:
    """Load what a training has reached so far into `model`, while it may still be running.

    Raises:
        FileNotFoundError: that training has not saved anything yet.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["ema"] or saved["model"])
    model.eval()
    return Trained(weights=model.state_dict(), step=saved["step"], seconds=saved["seconds"])


def _average(model: nn.Module, state: _State, course: Course) -> None:
    if not course.ema_decay:
        return
    current = model.state_dict()
    if not state.ema:
        state.ema = {name: value.detach().clone() for name, value in current.items()}
        return
    # Early on the mean must forget the random start: Karras et al. 2022 ramp the decay up likewise.
    decay = min(course.ema_decay, (1 + state.step) / (10 + state.step))
    for name, value in current.items():
        mean = state.ema[name]
        if mean.is_floating_point():
            mean.lerp_(value.detach(), 1 - decay)
        else:
            mean.copy_(value)


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, state: _State, course: Course) -> None:
    course.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    part = course.checkpoint.with_suffix(".part")
    held: dict[str, Any] = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "ema": state.ema,
        "step": state.step,
        "seconds": state.seconds,
    }
    torch.save(held, part)
    part.replace(course.checkpoint)


def _resume(model: nn.Module, optimizer: torch.optim.Optimizer, course: Course) -> _State:
    if not course.checkpoint.exists():
        return _State()
    saved = torch.load(course.checkpoint, map_location=next(model.parameters()).device, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return _State(step=saved["step"], seconds=saved["seconds"], ema=saved["ema"])
