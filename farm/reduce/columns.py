"""The columns of `metadata.parquet`: one schema for every job, and behind it what an analysis measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from farm.records import Column


def _column(name: str, kind: Any, description: str, unit: str = "", *, nullable: bool = False) -> Any:
    notes = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=notes)


_KINDS = {"float": pa.float64(), "int": pa.int64(), "text": pa.string(), "bool": pa.bool_()}


def measured_columns(columns: Iterable[Column]) -> list[Any]:
    """Return the fields of columns that an analysis measured."""
    return [
        _column(column.name, _KINDS[column.kind], column.description, column.unit, nullable=True)
        for column in columns
    ]


_NUMBERS, _FILES = pa.list_(pa.float64()), pa.list_(pa.string())
_FILE = "file, of a video the picture of the frame's own number"

SCHEMA = pa.schema(
    [
        _column("file_name", pa.string(), "PNG of the frame, relative to this table"),
        _column("frame", pa.int64(), "index of the frame, from 0"),
        _column("alpha", pa.float64(), "place on the motion, 0 to 1", "1"),
        _column("kind", pa.string(), "kind of animation"),
        _column("prompts", pa.list_(pa.string()), "prompts that are mixed"),
        _column("weights", pa.list_(pa.float64()), "weight of each prompt; they sum to 1", "1"),
        _column("negative_prompt", pa.string(), "prompt that is steered away from"),
        _column("seed", pa.int64(), "first seed of the initial noise"),
        _column("noise_mode", pa.string(), "how the noise moves along the animation"),
        _column("num_inference_steps", pa.int64(), "denoising steps", "steps", nullable=True),
        _column("guidance_scale", pa.float64(), "weight of classifier-free guidance", "1", nullable=True),
        _column("scheduler", pa.string(), "diffusers class that sampled; empty for a rehearsal"),
        _column("height", pa.int64(), "height of the picture", "px"),
        _column("width", pa.int64(), "width of the picture", "px"),
        _column("batch_size", pa.int64(), "frames per model call", "frames"),
        _column("pipeline", pa.string(), "diffusers pipeline class"),
        _column("pretrained", pa.string(), "checkpoint: a Hub id, a folder or a shipped one's name"),
        _column("revision", pa.string(), "full commit of a checkpoint from the Hub, else empty"),
        _column("recipe_digest", pa.string(), "SHA-256 of all that determines the pixels"),
        _column("content_sha256", pa.string(), "SHA-256 of the RGB pixels"),
        _column("worker", pa.string(), "worker that rendered the frame"),
        _column("node", pa.string(), "machine of that worker"),
        _column("device", pa.string(), "device of that worker"),
        _column("attempt", pa.int64(), "which try of its shard succeeded, from 1"),
        _column("render_seconds", pa.float64(), "the frame's share of its model call", "s"),
        _column("rendered_at", pa.timestamp("us", tz="UTC"), "when the frame was rendered", "UTC"),
        _column("environment", pa.string(), "JSON object: versions, device, dtype, threads"),
        _column("frames_per_call", pa.int64(), "batch_size, or fewer after running out of memory", "frames"),
        _column("flaw", pa.string(), "blank for a picture of one colour, which came twice; else empty"),
        _column("cached", pa.bool_(), "taken from the cache instead of being rendered"),
        _column("true_cfg_scale", pa.float64(), "guidance of Flux and Qwen-Image", "1", nullable=True),
        _column("strength", pa.float64(), "how far the image was left behind", "1", nullable=True),
        _column("eta", pa.float64(), "DDIM's share of fresh noise in each step", "1", nullable=True),
        _column("guidance_rescale", pa.float64(), "how far over-exposure was undone", "1", nullable=True),
        _column("controlnet_conditioning_scale", _NUMBERS, "weight of each ControlNet", "1", nullable=True),
        _column("ip_adapter_scale", _NUMBERS, "weight of each IP-Adapter", "1", nullable=True),
        _column("lora_scale", _NUMBERS, "weight of each LoRA", "1", nullable=True),
        _column(
            "input_image",
            _FILES,
            f"image to begin with or, for ControlNets, to follow; {_FILE}",
            nullable=True,
        ),
        _column("input_mask_image", _FILES, f"mask of what was painted anew; {_FILE}", nullable=True),
        _column(
            "input_control_image", _FILES, f"what ControlNets followed beside it; {_FILE}", nullable=True
        ),
        _column("input_depth_map", _FILES, f"depth that was kept to; {_FILE}", nullable=True),
        _column("input_ip_adapter_image", _FILES, f"what IP-Adapters saw; {_FILE}", nullable=True),
    ]
)
"""What keyframes or sweeps can move has a column of its own. A column `image` the Hub would take for the frame."""
