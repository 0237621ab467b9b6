"""`metadata.parquet`: a row per frame, which the Hub and most tools load as it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from farm.records import Column, Frame, FrameRow, InputPicture, Recipe, Value
from farm.reduce.columns import SCHEMA, measured_columns
from farm.store import JobFolder

NAME = "metadata.parquet"
_ROW_GROUP = 1024

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHeader:
    """What every row of a job's table shares; `manifest_text` is the resolved manifest.

    `columns` are those that an analysis measured, `curves` their values by frame, and `account` what they say, in JSON.
    """

    manifest_text: str
    kind: str
    columns: tuple[Column, ...] = ()
    curves: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    account: str = ""


def write_table(folder: JobFolder, header: TableHeader, rows: Iterator[tuple[Frame, FrameRow]]) -> None:
    """Write the table of the finished frames, in the order given, a row group at a time.

    Raises:
        StorageError: when it cannot be written; a former table is then left as it was.
    """
    notes = {"manifest": header.manifest_text} | ({"analysis": header.account} if header.account else {})
    schema = pa.schema([*SCHEMA, *measured_columns(header.columns)]).with_metadata(notes)
    with folder.writing(NAME) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := [_row(header, frame, row) for frame, row in itertools.islice(rows, _ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _row(header: TableHeader, frame: Frame, row: FrameRow) -> dict[str, object]:
    conditioning, noise, arguments = frame.recipe.conditioning, frame.recipe.noise, frame.recipe.arguments
    files = {name: picture.location for name, picture in frame.recipe.pictures.items()}
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
        "true_cfg_scale": arguments.get("true_cfg_scale"),
        "strength": arguments.get("strength"),
        "eta": arguments.get("eta"),
        "guidance_rescale": arguments.get("guidance_rescale"),
        "controlnet_conditioning_scale": _listed(arguments, "controlnet_conditioning_scale"),
        "ip_adapter_scale": _listed(arguments, "ip_adapter_scale"),
        "lora_scale": _listed(arguments, "lora_scale"),
        "input_image": _listed(files, "image"),
        "input_mask_image": _listed(files, "mask_image"),
        "input_control_image": _listed(files, "control_image"),
        "input_depth_map": _listed(files, "depth_map"),
        "input_ip_adapter_image": [picture.location for picture in _seen(frame.recipe)] or None,
        **{name: values[frame.index] for name, values in header.curves.items()},
    }


def _listed(values: Mapping[str, _T], name: str) -> list[_T] | None:
    """Return the value of that name, or its parts `name.0`, `name.1` and so on, in order; None without any."""
    if name in values:
        return [values[name]]
    keys = itertools.takewhile(values.__contains__, (f"{name}.{number}" for number in itertools.count()))
    return [values[key] for key in keys] or None


def _seen(recipe: Recipe) -> Iterator[InputPicture]:
    """Yield what IP-Adapters see, adapter by adapter."""
    for mixture in recipe.image_prompts:
        for together in mixture.prompts:
            yield from together
