import re

import pytest

from farm.errors import StorageError
from farm.run import measuring as arrived_rows
from farm.run.measuring import ArrivedRows
from farm.store import JobFolder, Ledger


@pytest.fixture
def folder(rendered):
    return JobFolder(str(rendered()))


@pytest.fixture
def rows(folder):
    return list(Ledger(folder).rows())


@pytest.fixture
def lookups(monkeypatch):
    """Count the reads of the ledger."""
    counted = []

    class Counted(Ledger):
        def rows(self, first=0, last=None):
            counted.append((first, last))
            return super().rows(first, last)

    monkeypatch.setattr(arrived_rows, "Ledger", Counted)
    return counted


def test_rows_measured_as_they_arrive_are_never_read_again(folder, rows, lookups):
    arrived = ArrivedRows(folder, 21)
    for row in rows:
        arrived.add([row])
        assert arrived.pop(row.frame) is row
    assert lookups == []


def test_slow_measuring_buffers_few_rows_and_reads_the_rest_in_few_ledger_reads(folder, rows, lookups):
    arrived = ArrivedRows(folder, 21, buffered=5)
    arrived.add(rows)
    assert sorted(arrived._buffer) == [0, 1, 2, 3, 4]
    taken = []
    for row in rows:
        taken.append(arrived.pop(row.frame))
        assert len(arrived._buffer) <= 5
    assert taken == rows
    assert lookups == [(5, 9), (10, 14), (15, 19), (20, 20)]


def test_frames_in_any_order_leave_the_next_ones_buffered(folder, rows):
    arrived = ArrivedRows(folder, 21, buffered=5)
    for row in reversed(rows):
        arrived.add([row])
    assert sorted(arrived._buffer) == [0, 1, 2, 3, 4]


def test_kept_frames_are_read_and_earlier_rows_of_frames_rendered_again_are_not_used(folder, rows, lookups):
    arrived = ArrivedRows(folder, 21)
    arrived.add_kept(range(4))
    assert [arrived.pop(frame) for frame in range(4)] == rows[:4]
    assert lookups == [(0, 20)]
    assert arrived._buffer == {}
    arrived.add(rows[4:8])
    assert arrived.pop(4) is rows[4]


def test_a_frame_that_arrives_again_after_it_was_popped_is_not_buffered(folder, rows):
    arrived = ArrivedRows(folder, 21)
    arrived.add(rows)
    for frame in range(7):
        arrived.pop(frame)
    arrived.add(rows[:7])
    assert min(arrived._buffer) == 7


def test_a_row_missing_from_the_ledger_is_reported(folder):
    part = next(name for name in folder.names(".farm/ledger") if name.startswith("frame000004"))
    folder.remove(f".farm/ledger/{part}")
    arrived = ArrivedRows(folder, 21)
    arrived.add_kept(range(21))
    said = f"{folder.url}: frame 5 is missing from the ledger; run farm render to render it again."
    with pytest.raises(StorageError, match=f"^{re.escape(said)}$"):
        arrived.pop(5)
