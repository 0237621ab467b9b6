"""A job's table, read back."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from farm.errors import StorageError
from farm.reduce.table import NAME
from farm.store import JobFolder


def read_table(folder: JobFolder) -> Any | None:
    """Return `metadata.parquet` as a pyarrow Table, or None if there is none.

    Raises:
        StorageError: when it is not whole, or cannot be read.
    """
    found = folder.find(NAME)
    if found is None:
        return None
    try:
        return pq.read_table(pa.BufferReader(found))
    except (pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise StorageError(
            f"{folder.path(NAME)}: not a whole Parquet file ({said}); farm assemble makes it again."
        ) from error
