"""Changes to the random weights of new models."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

_Model = TypeVar("_Model", bound=nn.Module)


def louder(model: _Model, gain: float = 1.7, *, layers: type[nn.Module] = nn.Linear) -> _Model:
    """Raise a new model's weights: new layers damp their inputs, so that all prompts would look alike."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, layers):
                module.weight *= gain
    return model
