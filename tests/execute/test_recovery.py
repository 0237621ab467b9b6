"""The committed chunks of a dead worker: its own rows, with these recipes and intact files."""

import dataclasses

import pytest

from farm.execute.recovery import committed_chunks
from farm.execute.worker import Worker
from farm.store import JobFolder, file_name
from tests.execute.shards import shards


@pytest.fixture
def shard(tmp_path):
    [whole] = shards(tmp_path / "job", chunks=3)
    list(Worker("w", "host").render(whole))
    return whole


def test_complete_chunks_of_the_worker_count(shard):
    done = committed_chunks(shard, "w")
    assert sorted(done) == [0, 1, 2]
    assert [row.frame for row in done[1].rows] == [2, 3]


def test_chunks_that_another_worker_wrote_do_not_count(shard):
    assert committed_chunks(shard, "v") == {}


def test_a_row_of_another_recipe_does_not_count(shard):
    frames = tuple(dataclasses.replace(frame, digest="0" * 64) for frame in shard.chunks[1].frames)
    chunks = (shard.chunks[0], dataclasses.replace(shard.chunks[1], frames=frames), shard.chunks[2])
    assert sorted(committed_chunks(dataclasses.replace(shard, chunks=chunks), "w")) == [0, 2]


def test_a_chunk_with_a_damaged_file_does_not_count(shard):
    JobFolder(shard.folder).write(file_name(3), b"half")
    assert sorted(committed_chunks(shard, "w")) == [0, 2]


def test_a_chunk_that_is_not_in_the_ledger_does_not_count(shard):
    folder = JobFolder(shard.folder)
    [part] = [name for name in folder.names(".farm/ledger") if name.startswith("frame000002")]
    folder.remove(f".farm/ledger/{part}")
    assert sorted(committed_chunks(shard, "w")) == [0, 2]
