import pytest

from farm.errors import StorageError
from farm.reduce import TableHeader, write_table
from farm.reduce.reading import read_table
from tests.rows import row_of


def test_a_table_is_read_as_it_was_written(folder, frame_of):
    header = TableHeader(manifest_text="version: 1\n", kind="interpolate")
    write_table(folder, header, iter([(frame_of(index), row_of(index)) for index in (0, 2)]))
    table = read_table(folder, planned=3)
    assert table.column("frame").to_pylist() == [0, 2]
    assert table.schema.metadata[b"manifest"] == b"version: 1\n"


def test_where_there_is_no_table_none_is_read(folder):
    assert read_table(folder, planned=3) is None


def test_a_broken_table_is_told_with_what_to_do(folder):
    folder.write("metadata.parquet", b"PAR1")
    with pytest.raises(StorageError) as told:
        read_table(folder, planned=3)
    assert str(told.value) == (
        f"{folder.path('metadata.parquet')}: not a whole Parquet file (Parquet file size is 4 bytes, smaller than the "
        "minimum file footer (8 bytes)); farm assemble makes it again."
    )
