"""Mixes the encodings of several prompts, frame by frame, for any structure of tensors that an encoder returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from farm.records import Conditioning, Drift
from farm.render.noise import normal, slerp, weighted_sum


def mix(columns: Sequence[Any], frames: Sequence[Conditioning], drifts: Any = False) -> Any:
    """Return the encodings of the frames' mixtures, in the structure that the encoder returns.

    `columns[k]` is the encoding of each frame's k-th prompt: a tensor [B, ...], a list of one tensor [n, ...] per
    frame, or a tuple of these, in which None represents a mask of ones. Shorter embeddings are padded with zeros, and
    masks cover the tokens of all mixed prompts. A frame with one prompt, which is in every column, gets the encoding
    from the column with the most tokens, as in one call with all of the chunk's prompts. `drifts` says whether drift
    applies to the encoding, or to which elements of a tuple.
    """
    longest = max(range(len(columns)), key=lambda number: _tokens(columns[number]))
    return _mix(columns, frames, drifts, longest)


def _mix(columns: Sequence[Any], frames: Sequence[Conditioning], drifts: Any, longest: int) -> Any:
    first = columns[0]
    if isinstance(first, tuple):
        outputs = zip(*(map(_with_masks, columns) if _differ(columns) else columns), strict=True)
        return tuple(
            _mix(parts, frames, drifts_part, longest)
            for parts, drifts_part in zip(outputs, drifts or [False] * len(first), strict=True)
        )
    if isinstance(first, list):
        rows = zip(*columns, strict=True)
        return [_row(parts, frame, drifts, longest) for parts, frame in zip(rows, frames, strict=True)]
    if not isinstance(first, torch.Tensor):
        return first
    if not drifts and all(equal(first, other) for other in columns[1:]):
        return first
    return torch.stack(
        [
            _row(parts, frame, drifts, longest)
            for parts, frame in zip(zip(*_padded(columns), strict=True), frames, strict=True)
        ]
    )


def equal(first: Any, second: Any) -> bool:
    """Return whether two encodings are equal bit for bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.shape == second.shape and torch.equal(first, second)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(equal, first, second))
    return first is None and second is None


def _row(parts: Sequence[torch.Tensor], frame: Conditioning, drifts: bool, longest: int) -> torch.Tensor:
    """Return the mixture of as many of the parts as the frame has prompts."""
    count = len(frame.prompts)
    used = _padded(parts[:count], dim=0) if count > 1 else [parts[longest]]
    if _is_mask(used[0]):
        return torch.stack(used).amax(0)
    if frame.mix == "slerp" and len(used) == 2:
        row = slerp(used[0], used[1], frame.weights[1])
    elif all(equal(used[0], other) for other in used[1:]):
        row = used[0]
    else:
        row = weighted_sum(used, frame.weights)
    return _drifted(row, frame.drift) if frame.drift and drifts else row


def _drifted(embedding: torch.Tensor, drift: Drift) -> torch.Tensor:
    """Return the embedding moved by `drift.distance` in the drift's direction."""
    if drift.direction == "ones":
        return embedding + drift.distance
    direction = normal(drift.seed, embedding.shape)
    direction = direction / direction.square().mean().sqrt()
    return embedding + drift.distance * direction.to(embedding)


def _is_mask(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a mask: integers, or a vector of zeros and ones."""
    return not tensor.is_floating_point() or (
        tensor.ndim == 1 and bool(((tensor == 0) | (tensor == 1)).all())
    )


def _padded(parts: Sequence[torch.Tensor], dim: int = 1) -> list[torch.Tensor]:
    """Pad the parts along the token dimension `dim` to the longest."""
    if parts[0].ndim <= dim:
        return list(parts)
    longest = max(part.shape[dim] for part in parts)
    behind = 2 * (parts[0].ndim - dim - 1)
    return [pad(part, (0,) * (behind + 1) + (longest - part.shape[dim],)) for part in parts]


def _differ(columns: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether the prompts have different numbers of tokens, so that masks are needed."""
    return len({column[0].shape for column in columns if isinstance(column[0], torch.Tensor)}) > 1


def _tokens(column: Any) -> int:
    """Return the number of tokens of a column if it is padded to its longest prompt, else 0."""
    embeddings = column[0] if isinstance(column, tuple) else column
    return embeddings.shape[1] if isinstance(embeddings, torch.Tensor) and embeddings.ndim > 1 else 0


def _with_masks(column: tuple[Any, ...]) -> tuple[Any, ...]:
    """Replace None by the mask of ones that it represents, for the preceding embeddings."""
    return tuple(
        torch.ones(column[index - 1].shape[:2], dtype=torch.int64, device=column[index - 1].device)
        if part is None and index and isinstance(column[index - 1], torch.Tensor)
        else part
        for index, part in enumerate(column)
    )
