import pytest

from farm.errors import StorageError
from farm.store import JobFolder, Ledger
from tests.rows import row_of as row


def test_committed_rows_are_there_for_the_next_run(tmp_path):
    Ledger(JobFolder(str(tmp_path))).commit([row(4), row(5)])
    assert Ledger(JobFolder(str(tmp_path))).rows() == {4: row(4), 5: row(5)}


def test_a_chunk_that_is_rendered_again_replaces_its_part(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(4), row(5)])
    ledger.commit([row(4, attempt=2), row(5, attempt=2)])
    assert len(list((tmp_path / ".farm" / "ledger").iterdir())) == 1
    assert ledger.rows()[4].attempt == 2


def test_where_parts_overlap_the_later_row_counts(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(4, rendered_at="2026-01-09T00:00:00+00:00", attempt=9)])
    ledger.commit([row(0), row(4), row(5)])
    assert ledger.rows()[4].attempt == 9


def test_a_folder_without_a_ledger_has_no_rows(tmp_path):
    assert Ledger(JobFolder(str(tmp_path))).rows() == {}


def test_a_part_that_is_not_a_ledger_part_is_told(tmp_path):
    folder = JobFolder(str(tmp_path))
    folder.write(".farm/ledger/frame000000-000001.jsonl", b'{"frame": 1}\n')
    with pytest.raises(StorageError, match=r"frame000000-000001.jsonl: not a ledger part \("):
        Ledger(folder).rows()
