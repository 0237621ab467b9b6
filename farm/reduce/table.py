"""`metadata.parquet`: a table with a row per frame, which the Hub and most tools can load.

Every job has the same columns, followed by those that its analysis measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from farm.errors import StorageError
from farm.records import Column, Frame, FrameRow, InputPicture, Recipe, Value
from farm.store import JobFolder

NAME = "metadata.parquet"

_ROW_GROUP = 1024
_MAX_COLUMNS = 10_000
_MAX_ROWS = 10_000_000
"""The maximum number of frames in a manifest."""
_BASE_BYTES = 256 * 2**20
_ROW_BYTES = 2**16
"""Maximum of a planned row; a typical one has a few kilobytes, most of them prompts and an environment."""
_SCALARS = (pa.float64(), pa.int64(), pa.string(), pa.bool_())
"""Types of measured columns."""

_T = TypeVar("_T")


def _column(name: str, type_: Any, description: str, unit: str = "", *, nullable: bool = False) -> Any:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, type_, nullable=nullable, metadata=metadata)


_KINDS = {"float": pa.float64(), "int": pa.int64(), "text": pa.string(), "bool": pa.bool_()}


_NUMBERS, _FILES = pa.list_(pa.float64()), pa.list_(pa.string())
_FILE = "file; a video has a picture per frame"

SCHEMA = pa.schema(
    [
        _column("file_name", pa.string(), "PNG of the frame, relative to this table"),
        _column("frame", pa.int64(), "index of the frame, from 0"),
        _column("alpha", pa.float64(), "position in the motion, 0 to 1", "1"),
        _column("kind", pa.string(), "kind of animation"),
        _column("prompts", pa.list_(pa.string()), "prompts of the mixture"),
        _column("weights", pa.list_(pa.float64()), "weight of each prompt; they sum to 1", "1"),
        _column("negative_prompt", pa.string(), "prompt to steer away from"),
        _column("seed", pa.int64(), "first seed of the initial noise"),
        _column("noise_mode", pa.string(), "how the noise changes along the animation"),
        _column("num_inference_steps", pa.int64(), "denoising steps", "steps", nullable=True),
        _column("guidance_scale", pa.float64(), "weight of classifier-free guidance", "1", nullable=True),
        _column("scheduler", pa.string(), "diffusers class that sampled; empty for a rehearsal"),
        _column("height", pa.int64(), "height of the picture", "px"),
        _column("width", pa.int64(), "width of the picture", "px"),
        _column("batch_size", pa.int64(), "frames per model call", "frames"),
        _column("pipeline", pa.string(), "diffusers pipeline class"),
        _column("pretrained", pa.string(), "checkpoint: a Hub id, a folder or the name of a shipped one"),
        _column("revision", pa.string(), "full commit of a checkpoint from the Hub, else empty"),
        _column("recipe_digest", pa.string(), "SHA-256 of everything that determines the pixels"),
        _column("content_sha256", pa.string(), "SHA-256 of the RGB pixels"),
        _column("worker", pa.string(), "worker that rendered the frame"),
        _column("node", pa.string(), "machine of that worker"),
        _column("device", pa.string(), "device of that worker"),
        _column("attempt", pa.int64(), "number of the successful attempt at its shard, from 1"),
        _column("render_seconds", pa.float64(), "the frame's share of its model call", "s"),
        _column("rendered_at", pa.timestamp("us", tz="UTC"), "when the frame was rendered", "UTC"),
        _column("environment", pa.string(), "JSON object: versions, device, dtype, threads"),
        _column("frames_per_call", pa.int64(), "batch_size, or fewer after running out of memory", "frames"),
        _column("flaw", pa.string(), "blank for a picture of one colour that was rendered twice; else empty"),
        _column("cached", pa.bool_(), "taken from the cache instead of being rendered"),
        _column("true_cfg_scale", pa.float64(), "guidance of Flux and Qwen-Image", "1", nullable=True),
        _column("strength", pa.float64(), "how far the input image was changed, 0 to 1", "1", nullable=True),
        _column("eta", pa.float64(), "share of new noise in each step of DDIM", "1", nullable=True),
        _column(
            "guidance_rescale", pa.float64(), "correction of over-exposure by guidance", "1", nullable=True
        ),
        _column("controlnet_conditioning_scale", _NUMBERS, "weight of each ControlNet", "1", nullable=True),
        _column("ip_adapter_scale", _NUMBERS, "weight of each IP-Adapter", "1", nullable=True),
        _column("lora_scale", _NUMBERS, "weight of each LoRA", "1", nullable=True),
        _column(
            "input_image",
            _FILES,
            f"image to start from or, for ControlNets, to follow; {_FILE}",
            nullable=True,
        ),
        _column("input_mask_image", _FILES, f"mask of the repainted area; {_FILE}", nullable=True),
        _column(
            "input_control_image",
            _FILES,
            f"image for ControlNets, besides the input image; {_FILE}",
            nullable=True,
        ),
        _column("input_depth_map", _FILES, f"depth map to follow; {_FILE}", nullable=True),
        _column("input_ip_adapter_image", _FILES, f"image prompts of IP-Adapters; {_FILE}", nullable=True),
    ]
)
"""Everything that keyframes or sweeps can change has a column. The Hub would take a column `image` for the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHeader:
    """The kind, metadata and measured columns of a table; `manifest_text` is the resolved manifest.

    `columns` are the measured ones, `curves` their values by frame, and `insights` the insights as JSON.
    """

    manifest_text: str
    kind: str
    columns: tuple[Column, ...] = ()
    curves: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    insights: str = ""


def write_table(folder: JobFolder, header: TableHeader, rows: Iterator[tuple[Frame, FrameRow]]) -> None:
    """Write the table of the finished frames, in the order given, a row group at a time.

    Raises:
        StorageError: it cannot be written; an earlier table is unchanged.
    """
    metadata = {"manifest": header.manifest_text} | ({"analysis": header.insights} if header.insights else {})
    schema = pa.schema([*SCHEMA, *_measured_columns(header.columns)]).with_metadata(metadata)
    with folder.writing(NAME) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := [_row(header, frame, row) for frame, row in itertools.islice(rows, _ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def read_table(folder: JobFolder, *, planned: int = 0) -> Any | None:
    """Return `metadata.parquet` of a job of `planned` frames as a pyarrow Table, or None if there is none.

    Raises:
        StorageError: it is damaged, is not a job's table, or cannot be read.
    """
    found = folder.find(NAME)
    if found is None:
        return None
    try:
        return _decoded(pa.BufferReader(found), _BASE_BYTES + _ROW_BYTES * planned)
    except Exception as error:  # pyarrow raises any type
        reason = " ".join(str(error).split()).rstrip(".")
        raise StorageError(
            f"{folder.path(NAME)}: not a valid table ({reason}); run farm assemble to write it again."
        ) from error


def _measured_columns(columns: Iterable[Column]) -> list[Any]:
    """Return the fields of measured columns."""
    return [
        _column(column.name, _KINDS[column.kind], column.description, column.unit, nullable=True)
        for column in columns
    ]


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
        "input_ip_adapter_image": [picture.location for picture in _image_prompts(frame.recipe)] or None,
        **{name: values[frame.index] for name, values in header.curves.items()},
    }


def _listed(values: Mapping[str, _T], name: str) -> list[_T] | None:
    """Return the value of a name, or of its parts `name.0`, `name.1` and so on, in order; None if there is none."""
    if name in values:
        return [values[name]]
    keys = itertools.takewhile(values.__contains__, (f"{name}.{number}" for number in itertools.count()))
    return [values[key] for key in keys] or None


def _image_prompts(recipe: Recipe) -> Iterator[InputPicture]:
    """Yield the pictures of image prompts, adapter by adapter."""
    for mixture in recipe.image_prompts:
        for together in mixture.prompts:
            yield from together


def _decoded(source: Any, budget: int) -> Any:
    """Return the table in a file, of at most `budget` bytes.

    Texts are decoded as dictionaries, which are no larger than the file's own, and counted before they are expanded: a
    few bytes may encode any number of copies of a text.
    """
    file = pq.ParquetFile(source)
    schema = file.schema_arrow
    _check(schema, file.metadata, budget)
    leaves = [file.schema.column(number).path for number in range(len(file.schema))]
    batches = []
    for batch in pq.ParquetFile(source, read_dictionary=leaves).iter_batches(_ROW_GROUP, use_threads=False):
        budget -= batch.nbytes + sum(map(_length_of_texts, batch.columns))
        if budget < 0:
            raise ValueError("its rows are too large for a job's table")
        batches.append(batch)
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()


def _length_of_texts(column: Any) -> int:
    values = column.flatten() if pa.types.is_list(column.type) else column
    if not pa.types.is_dictionary(values.type):
        return 0
    return pc.sum(pc.binary_length(values.dictionary).take(values.indices)).as_py() or 0


def _check(schema: Any, metadata: Any, budget: int) -> None:
    """Raise ValueError if the schema or the metadata is not that of a job's table."""
    if len(schema) > _MAX_COLUMNS or len(set(schema.names)) < len(schema):
        raise ValueError("it has too many columns, or two of the same name")
    if metadata.num_rows > _MAX_ROWS:
        raise ValueError(f"it has {metadata.num_rows} rows, but a job has at most {_MAX_ROWS} frames")
    for column in schema:
        known = SCHEMA.get_field_index(column.name)
        if column.type not in (_SCALARS if known < 0 else (SCHEMA.field(known).type,)):
            raise ValueError(f"it has a column of type {str(column.type)[:100]}")
    if sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)) > budget:
        raise ValueError("its rows are too large for a job's table")
