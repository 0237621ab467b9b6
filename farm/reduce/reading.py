"""A job's table, read back."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from farm.errors import StorageError
from farm.reduce.columns import SCHEMA
from farm.reduce.table import NAME
from farm.store import JobFolder

_MOST_COLUMNS = 10_000
_MOST_ROWS = 10_000_000
"""As many as a manifest may have frames."""
_BATCH = 1024
_ROOM_BYTES = 256 * 2**20
_ROW_BYTES = 2**16
"""Of a row that is planned; it has a few kilobytes, most of them prompts and an environment."""
_SCALARS = (pa.float64(), pa.int64(), pa.string(), pa.bool_())
"""What measured columns hold."""


def read_table(folder: JobFolder, *, planned: int = 0) -> Any | None:
    """Return `metadata.parquet` of a job of so many frames as a pyarrow Table, or None if there is none.

    Raises:
        StorageError: when it is not whole, not a job's table, or cannot be read.
    """
    found = folder.find(NAME)
    if found is None:
        return None
    try:
        return _decoded(pa.BufferReader(found), _ROOM_BYTES + _ROW_BYTES * planned)
    except Exception as error:  # pyarrow raises whatever it meets
        said = " ".join(str(error).split()).rstrip(".")
        raise StorageError(
            f"{folder.path(NAME)}: not a whole Parquet file ({said}); farm assemble makes it again."
        ) from error


def _decoded(source: Any, room: int) -> Any:
    """Return what a file holds, in at most `room` bytes.

    Texts are decoded as dictionaries, which are no larger than the file's own, and counted before they are written out:
    a few bytes may stand for any number of one text.
    """
    file = pq.ParquetFile(source)
    schema = file.schema_arrow
    _check(schema, file.metadata, room)
    leaves = [file.schema.column(number).path for number in range(len(file.schema))]
    batches = []
    for batch in pq.ParquetFile(source, read_dictionary=leaves).iter_batches(_BATCH, use_threads=False):
        room -= batch.nbytes + sum(map(_length_of_texts, batch.columns))
        if room < 0:
            raise ValueError("its rows are larger than any of a job's")
        batches.append(batch)
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()


def _length_of_texts(column: Any) -> int:
    values = column.flatten() if pa.types.is_list(column.type) else column
    if not pa.types.is_dictionary(values.type):
        return 0
    return pc.sum(pc.binary_length(values.dictionary).take(values.indices)).as_py() or 0


def _check(schema: Any, metadata: Any, room: int) -> None:
    """Refuse what says of itself that it is no job's table."""
    if len(schema) > _MOST_COLUMNS or len(set(schema.names)) < len(schema):
        raise ValueError("it has too many columns, or two of one name")
    if metadata.num_rows > _MOST_ROWS:
        raise ValueError(f"it has {metadata.num_rows} rows, a job at most {_MOST_ROWS} frames")
    for column in schema:
        known = SCHEMA.get_field_index(column.name)
        if column.type not in (_SCALARS if known < 0 else (SCHEMA.field(known).type,)):
            raise ValueError(f"a column is of type {str(column.type)[:100]}, as none in a job's table")
    if sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)) > room:
        raise ValueError("its rows are larger than any of a job's")
