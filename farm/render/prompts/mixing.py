"""What a pipeline's encoder returns for several prompts, mixed frame by frame, whatever tensors that are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from farm.records import Conditioning, Drift
from farm.render.noise import normal, slerp, sum_of


def mixed(columns: Sequence[Any], frames: Sequence[Conditioning], moves: Any = False) -> Any:
    """Return encodings of the frames' mixtures, of the structure that the encoder returns.

    `columns[k]` is the encoding of every frame's k-th prompt: a tensor [B, ...], a list of one tensor [n, ...] per
    frame, or a tuple of these, where None stands for a mask of ones. Embeddings of fewer tokens are padded with
    zeros, and masks cover the tokens of every prompt that is mixed. A frame of one prompt, which is in every column,
    is as it was encoded beside the longest: as in one call with all of the chunk's prompts. `moves` tells whether a
    drift moves the encoding, of a tuple which of its parts.
    """
    longest = max(range(len(columns)), key=lambda number: _tokens(columns[number]))
    return _mixed(columns, frames, moves, longest)


def _mixed(columns: Sequence[Any], frames: Sequence[Conditioning], moves: Any, longest: int) -> Any:
    first = columns[0]
    if isinstance(first, tuple):
        outputs = zip(*(map(_with_masks, columns) if _differ(columns) else columns), strict=True)
        moving = moves or [False] * len(first)
        return tuple(
            _mixed(parts, frames, moved, longest) for parts, moved in zip(outputs, moving, strict=True)
        )
    if isinstance(first, list):
        rows = zip(*columns, strict=True)
        return [_row(parts, frame, moves, longest) for parts, frame in zip(rows, frames, strict=True)]
    if not isinstance(first, torch.Tensor):
        return first
    if not moves and all(same(first, other) for other in columns[1:]):
        return first
    return torch.stack(
        [
            _row(parts, frame, moves, longest)
            for parts, frame in zip(zip(*_padded(columns), strict=True), frames, strict=True)
        ]
    )


def same(first: Any, second: Any) -> bool:
    """Tell whether two encodings are equal in every bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.shape == second.shape and torch.equal(first, second)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first is None and second is None


def _row(parts: Sequence[torch.Tensor], frame: Conditioning, moves: bool, longest: int) -> torch.Tensor:
    """Mix one frame's parts, of which it uses as many as it has prompts."""
    count = len(frame.prompts)
    used = _padded(parts[:count], dim=0) if count > 1 else [parts[longest]]
    if _is_mask(used[0]):
        return torch.stack(used).amax(0)
    if frame.mix == "slerp" and len(used) == 2:
        row = slerp(used[0], used[1], frame.weights[1])
    elif all(same(used[0], other) for other in used[1:]):
        row = used[0]
    else:
        row = sum_of(used, frame.weights)
    return drifted(row, frame.drift) if frame.drift and moves else row


def drifted(embedding: torch.Tensor, drift: Drift) -> torch.Tensor:
    """Return the embedding moved by `drift.distance` along its direction."""
    if drift.direction == "ones":
        return embedding + drift.distance
    direction = normal(drift.seed, embedding.shape)
    direction = direction / direction.square().mean().sqrt()
    return embedding + drift.distance * direction.to(embedding)


def _is_mask(tensor: torch.Tensor) -> bool:
    """Masks are whole numbers, or a row of zeros and ones."""
    return not tensor.is_floating_point() or (
        tensor.ndim == 1 and bool(((tensor == 0) | (tensor == 1)).all())
    )


def _padded(parts: Sequence[torch.Tensor], dim: int = 1) -> list[torch.Tensor]:
    """Pad tokens, which are counted along `dim`, to the most that one of the parts has."""
    if parts[0].ndim <= dim:
        return list(parts)
    longest = max(part.shape[dim] for part in parts)
    behind = 2 * (parts[0].ndim - dim - 1)
    return [pad(part, (0,) * (behind + 1) + (longest - part.shape[dim],)) for part in parts]


def _differ(columns: Sequence[tuple[Any, ...]]) -> bool:
    """Tell whether the prompts have different numbers of tokens, so that somebody must say which count."""
    return len({column[0].shape for column in columns if isinstance(column[0], torch.Tensor)}) > 1


def _tokens(column: Any) -> int:
    """Count the tokens of a column, where they are padded to the longest prompt."""
    embeddings = column[0] if isinstance(column, tuple) else column
    return embeddings.shape[1] if isinstance(embeddings, torch.Tensor) and embeddings.ndim > 1 else 0


def _with_masks(column: tuple[Any, ...]) -> tuple[Any, ...]:
    """Say what None says: that all tokens of the embeddings before it count."""
    return tuple(
        torch.ones(column[place - 1].shape[:2], dtype=torch.int64, device=column[place - 1].device)
        if part is None and place and isinstance(column[place - 1], torch.Tensor)
        else part
        for place, part in enumerate(column)
    )
