"""ControlNets for the tiny Stable Diffusion and Stable Diffusion XL."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import ControlNetModel
from torch import nn

from tests.checkpoints import unets
from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.weights import louder


def save_controlnet(folder: Path, *, seed: int = 0) -> Path:
    """For Stable Diffusion; another seed gives another net."""
    torch.manual_seed(seed)
    return _save(unets.controlnet(), folder)


def save_controlnet_xl(folder: Path, *, seed: int = 0, second_width: int = WIDTH) -> Path:
    """For Stable Diffusion XL; another seed gives another net."""
    torch.manual_seed(seed)
    return _save(unets.controlnet_xl(widths=(WIDTH, second_width)), folder)


def _save(net: ControlNetModel, folder: Path) -> Path:
    # A new net's first and last layers are zero: it would not change any picture.
    louder(net.controlnet_cond_embedding, layers=nn.Conv2d)
    nn.init.normal_(net.controlnet_cond_embedding.conv_out.weight)
    for way_out in (*net.controlnet_down_blocks, net.controlnet_mid_block):
        nn.init.normal_(way_out.weight, std=0.1)
    net.save_pretrained(folder)
    return folder
