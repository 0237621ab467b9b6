"""Ledger rows for tests."""

from __future__ import annotations

from farm.records import FrameRow


def row_of(index: int, **changes) -> FrameRow:
    """Return the row of a frame of 48x64 pixels."""
    settings = {
        "frame": index,
        "file_name": f"frames/frame{index:06d}.png",
        "file_sha256": "f" * 64,
        "recipe_digest": f"{index:064x}",
        "renderer_digest": "d" * 64,
        "content_sha256": "c" * 64,
        "pipeline": "StableDiffusionPipeline",
        "pretrained": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "revision": "451f4fe1",
        "scheduler": "DDIMScheduler",
        "batch_size": 3,
        "frames_per_call": 3,
        "flaw": "",
        "cached": False,
        "height": 64,
        "width": 48,
        "worker": "worker-0",
        "node": "host",
        "device": "cpu",
        "attempt": 1,
        "render_seconds": 0.25,
        "rendered_at": "2026-01-02T03:04:05.678901+00:00",
        "environment": "{}",
    }
    return FrameRow(**(settings | changes))
