"""The `model.memory` section: what is traded for a smaller need of memory."""

from __future__ import annotations

from typing import Literal

from farm.manifest.section import Section


class Memory(Section):
    """How less memory is needed; each option trades time, or the last bits of the pictures, for it."""

    offload: Literal["none", "model", "group", "sequential"] = "none"
    """model: only the part at work is on the GPU, a little slower; group: some layers; sequential: one layer, slow."""

    vae_slicing: bool = False
    """Frames are decoded one at a time: the peak at the end no longer grows with batch_size, a little slower."""

    vae_tiling: bool = False
    """Large pictures are decoded in overlapping tiles: much less memory, but the tiles' tones may differ faintly."""

    attention: Literal["default", "math", "flash", "efficient", "cudnn", "xformers", "sliced"] = "default"
    """default: torch's choice; sliced: a head at a time, slower; others: that kernel where it takes the shape."""

    release_text_encoders: bool = False
    """Text encoders leave memory once prompts are encoded; prompts that come later cost loading them again."""
