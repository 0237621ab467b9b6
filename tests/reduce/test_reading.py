import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farm.errors import StorageError
from farm.reduce import TableHeader, write_table
from farm.reduce import table as reading
from farm.reduce.table import read_table
from tests.rows import row_of


def test_a_table_is_read_as_it_was_written(folder, frame_of):
    header = TableHeader(manifest_text="version: 1\n", kind="interpolate")
    write_table(folder, header, iter([(frame_of(index), row_of(index)) for index in (0, 2)]))
    table = read_table(folder, planned=3)
    assert table.column("frame").to_pylist() == [0, 2]
    assert table.schema.metadata[b"manifest"] == b"version: 1\n"


def test_a_missing_table_is_none(folder):
    assert read_table(folder, planned=3) is None


def test_an_invalid_table_is_reported_with_a_hint(folder):
    folder.write("metadata.parquet", b"PAR1")
    with pytest.raises(StorageError) as raised:
        read_table(folder, planned=3)
    assert str(raised.value) == (
        f"{folder.path('metadata.parquet')}: not a valid table (Parquet file size is 4 bytes, smaller than the "
        "minimum file footer (8 bytes)); run farm assemble to write it again."
    )


def dictionary_of(text, rows):
    """Return a column with the same text in every row, which the file contains once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text])).cast(
        pa.string()
    )


TWICE = pa.Table.from_arrays([pa.array([1])] * 2, ["frame", "frame"])
LISTS = "list<element: list<element: int64>>"
LONG_LISTS = pa.ListArray.from_arrays(np.arange(4, dtype=np.int32) * 2**16, np.zeros(3 * 2**16))
"""Lists of 2**16 zeros, a few bytes each in a file."""


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"frame": pa.array(np.zeros(10_000_001, np.int64))},
            "it has 10000001 rows, but a job has at most 10000000 frames",
        ),
        ({"frame": pa.array(["0"])}, "it has a column of type string"),
        ({"mine": pa.array([{"a": 1}])}, "it has a column of type struct<a: int64>"),
        ({"mine": pa.array([[[1]]])}, f"it has a column of type {LISTS}"),
        (TWICE, "it has too many columns, or two of the same name"),
        ({"flaw": dictionary_of("x" * 2**16, 20)}, "its rows are too large for a job's table"),
        ({"weights": LONG_LISTS}, "its rows are too large for a job's table"),
    ],
    ids=["rows", "another type", "nested", "deeper", "twice", "one text many times", "long lists"],
)  # fmt: skip
def test_a_table_of_another_kind_or_size_is_refused(folder, columns, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_BASE_BYTES", 2**20)
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, tmp_path / "table", compression="zstd")
    folder.write("metadata.parquet", (tmp_path / "table").read_bytes())
    with pytest.raises(StorageError) as raised:
        read_table(folder, planned=3)
    assert str(raised.value) == (
        f"{folder.path('metadata.parquet')}: not a valid table ({reason}); run farm assemble to write it again."
    )


def test_a_table_keeps_its_types_and_its_texts(folder, frame_of):
    header = TableHeader(manifest_text="version: 1\n", kind="interpolate")
    write_table(folder, header, iter([(frame_of(index), row_of(index)) for index in range(3)]))
    assert read_table(folder, planned=3).equals(
        pq.read_table(pa.BufferReader(folder.read("metadata.parquet")))
    )
