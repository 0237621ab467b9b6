"""`metadata.parquet`: a row per frame in one fixed schema, which the Hub and most tools load as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from farm.records import Frame, FrameRow
from farm.store import JobFolder

NAME = "metadata.parquet"
_ROW_GROUP = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHeader:
    """What every row of a job's table shares; `manifest_text` is the resolved manifest."""

    manifest_text: str
    kind: str


def _column(name: str, kind: Any, description: str, unit: str = "", *, nullable: bool = False) -> Any:
    notes = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=notes)


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
    ]
)


def write_table(folder: JobFolder, header: TableHeader, rows: Iterator[tuple[Frame, FrameRow]]) -> None:
    """Write the table of the finished frames, in the order given, a row group at a time.

    Raises:
        StorageError: when it cannot be written; a former table is then left as it was.
    """
    schema = SCHEMA.with_metadata({"manifest": header.manifest_text})
    with folder.writing(NAME) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := [_row(header, frame, row) for frame, row in islice(rows, _ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _row(header: TableHeader, frame: Frame, row: FrameRow) -> dict[str, object]:
    conditioning, noise, arguments = frame.recipe.conditioning, frame.recipe.noise, frame.recipe.arguments
    return {
        "file_name": row.file_name,
        "frame": frame.index,
        "alpha": frame.alpha,
        "kind": header.kind,
        "prompts": conditioning.prompts,
        "weights": conditioning.weights,
        "negative_prompt": conditioning.negative_prompt or "",
        "seed": noise.seeds[0],
        "noise_mode": noise.mode,
        "num_inference_steps": arguments.get("num_inference_steps"),
        "guidance_scale": arguments.get("guidance_scale"),
        "scheduler": row.scheduler,
        "height": row.height,
        "width": row.width,
        "batch_size": row.batch_size,
        "pipeline": row.pipeline,
        "pretrained": row.pretrained,
        "revision": row.revision,
        "recipe_digest": row.recipe_digest,
        "content_sha256": row.content_sha256,
        "worker": row.worker,
        "node": row.node,
        "device": row.device,
        "attempt": row.attempt,
        "render_seconds": row.render_seconds,
        "rendered_at": datetime.fromisoformat(row.rendered_at).astimezone(UTC),
        "environment": row.environment,
        "frames_per_call": row.frames_per_call,
        "flaw": row.flaw,
        "cached": row.cached,
    }
