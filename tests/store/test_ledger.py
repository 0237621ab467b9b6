import os

import pytest

from farm.store import JobFolder, Ledger
from tests.rows import row_of as row


def test_committed_rows_are_read_by_the_next_run(tmp_path):
    Ledger(JobFolder(str(tmp_path))).commit([row(4), row(5)])
    assert list(Ledger(JobFolder(str(tmp_path))).rows()) == [row(4), row(5)]


def test_a_chunk_that_is_rendered_again_replaces_its_part(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(4), row(5)])
    ledger.commit([row(4, attempt=2), row(5, attempt=2)])
    assert len(list((tmp_path / ".farm" / "ledger").iterdir())) == 1
    assert [row.attempt for row in ledger.rows()] == [2, 2]


def test_the_later_row_counts_if_parts_overlap(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(4, rendered_at="2026-01-09T00:00:00+00:00", attempt=9)])
    ledger.commit([row(0), row(4), row(5)])
    assert [(row.frame, row.attempt) for row in ledger.rows()] == [(0, 1), (4, 9), (5, 1)]


def test_a_folder_without_a_ledger_has_no_rows(tmp_path):
    assert list(Ledger(JobFolder(str(tmp_path))).rows()) == []


def test_rows_are_in_order_and_of_the_requested_frames(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    for chunk in ([1000000, 1000001], [6, 7], [0, 1], [999998, 999999], [2, 3, 4, 5]):
        ledger.commit([row(index) for index in chunk])
    assert [row.frame for row in ledger.rows()] == [*range(8), *range(999998, 1000002)]
    assert [row.frame for row in ledger.rows(3, 6)] == [3, 4, 5, 6]


def test_a_damaged_part_counts_as_absent(tmp_path, caplog):
    folder = JobFolder(str(tmp_path))
    Ledger(folder).commit([row(0), row(1)])
    Ledger(folder).commit([row(2), row(3)])
    folder.write(".farm/ledger/frame000000-000001.jsonl", b'{"frame": 1}\n')
    assert [row.frame for row in Ledger(folder).rows()] == [2, 3]
    assert "frame000000-000001.jsonl is damaged" in caplog.text


def test_a_flipped_bit_that_leaves_valid_json_is_detected(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(0), row(1)])
    [part] = (tmp_path / ".farm" / "ledger").iterdir()
    part.write_bytes(part.read_bytes().replace(b'"attempt": 1', b'"attempt": 3', 1))
    assert list(ledger.rows()) == []


def test_a_part_that_is_not_a_regular_file_counts_as_absent(tmp_path):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(0), row(1)])
    ledger.commit([row(2), row(3)])
    first, second = sorted((tmp_path / ".farm" / "ledger").iterdir())
    first.unlink()
    first.symlink_to("/no/such/file")
    second.unlink()
    os.mkfifo(second)
    assert list(ledger.rows()) == []
    ledger.commit([row(0), row(1)])
    assert [row.frame for row in ledger.rows()] == [0, 1]


@pytest.mark.parametrize(
    "name", ["frames/frame000002.png", "../../secret.png", "/etc/passwd", "manifest.yaml", ""]
)
def test_a_row_that_names_another_frames_file_does_not_count(tmp_path, name):
    ledger = Ledger(JobFolder(str(tmp_path)))
    ledger.commit([row(0)])
    ledger.commit([row(1, file_name=name)])
    assert [row.frame for row in ledger.rows()] == [0]
