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
    """Count how often the ledger is looked into."""
    counted = []

    class Counted(Ledger):
        def rows(self, first=0, last=None):
            counted.append((first, last))
            return super().rows(first, last)

    monkeypatch.setattr(arrived_rows, "Ledger", Counted)
    return counted


def test_rows_that_are_measured_as_they_arrive_are_never_read_again(folder, rows, lookups):
    arrived = ArrivedRows(folder, 21)
    for row in rows:
        arrived.add([row])
        assert arrived.take(row.frame) is row
    assert lookups == []


def test_where_measuring_lags_behind_few_rows_are_held_and_the_rest_is_read_in_as_few_looks(
    folder, rows, lookups
):
    arrived = ArrivedRows(folder, 21, most=5)
    arrived.add(rows)
    assert sorted(arrived._held) == [0, 1, 2, 3, 4]
    taken = []
    for row in rows:
        taken.append(arrived.take(row.frame))
        assert len(arrived._held) <= 5
    assert taken == rows
    assert lookups == [(5, 9), (10, 14), (15, 19), (20, 20)]


def test_frames_in_any_order_leave_the_next_ones_held(folder, rows):
    arrived = ArrivedRows(folder, 21, most=5)
    for row in reversed(rows):
        arrived.add([row])
    assert sorted(arrived._held) == [0, 1, 2, 3, 4]


def test_kept_frames_are_read_and_ones_that_are_rendered_anew_are_not_taken_from_before(
    folder, rows, lookups
):
    arrived = ArrivedRows(folder, 21)
    arrived.add_kept(range(4))
    assert [arrived.take(frame) for frame in range(4)] == rows[:4]
    assert lookups == [(0, 20)]
    assert arrived._held == {}
    arrived.add(rows[4:8])
    assert arrived.take(4) is rows[4]


def test_a_frame_that_comes_again_after_it_was_taken_is_not_held(folder, rows):
    arrived = ArrivedRows(folder, 21)
    arrived.add(rows)
    for frame in range(7):
        arrived.take(frame)
    arrived.add(rows[:7])
    assert min(arrived._held) == 7


def test_a_row_that_the_ledger_lost_is_told(folder):
    part = next(name for name in folder.names(".farm/ledger") if name.startswith("frame000004"))
    folder.remove(f".farm/ledger/{part}")
    arrived = ArrivedRows(folder, 21)
    arrived.add_kept(range(21))
    said = f"{folder.url}: the ledger has no row of frame 5 any more; farm render makes the frame again."
    with pytest.raises(StorageError, match=f"^{re.escape(said)}$"):
        arrived.take(5)
