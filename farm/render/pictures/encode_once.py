"""A picture that goes into many frames is encoded once."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from farm.render.remembered import Remembered

_CAPACITY = 8
"""Pictures, not frames: an image, a masked one, and some of a sequence."""


def encode_once(vae: Any) -> None:
    """Have an autoencoder return what it made of the same picture before.

    It gives a distribution, from which a pipeline draws with each frame's own generator, so every frame is what it
    would have been.
    """
    encode, known = vae.encode, Remembered(_CAPACITY)

    def remembered(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        content = hashlib.sha256(x.detach().cpu().contiguous().view(torch.uint8).numpy()).hexdigest()
        key = (content, tuple(x.shape), str(x.dtype), str(vae.dtype), repr((args, sorted(kwargs.items()))))
        return known.get(key, lambda: encode(x, *args, **kwargs))

    vae.encode = remembered
