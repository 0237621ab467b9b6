"""A worker and its chunks, one failure at a time."""

import dataclasses

import numpy as np
import pytest

from farm.errors import ModelError, OutOfMemory
from farm.events import ChunkDone
from farm.execute.retry_policy import Cause, Failed
from farm.execute.worker import Worker
from farm.records import CacheSpec, ProceduralSpec
from farm.render.procedural import ProceduralRenderer
from farm.store import FolderLock, JobFolder, Ledger, is_intact
from tests.execute.shards import shards


class Counted(ProceduralRenderer):
    """Counts its calls, and holds at most `room` frames in one."""

    def __init__(self, spec, room=8):
        super().__init__(spec)
        self.room = room
        self.calls = []

    def render(self, chunk):
        self.calls.append((chunk.batch_size, tuple(frame.index for frame in chunk.frames)))
        if chunk.batch_size > self.room:
            raise OutOfMemory("no room")
        return super().render(chunk)


@pytest.fixture
def shard(tmp_path):
    [whole] = shards(tmp_path / "job", chunks=3)
    return whole


def rows(shard):
    return list(Ledger(JobFolder(shard.folder)).rows())


def test_smaller_calls_render_the_complete_chunk_and_are_recorded_in_its_rows(shard):
    opened = []

    def small(spec):
        opened.append(Counted(spec, room=1))
        return opened[-1]

    worker = Worker("w", "host", small)
    failed = list(worker.render(shard))
    assert failed == [Failed(cause=Cause.OUT_OF_MEMORY, reason="no room")] * 3
    [*done] = worker.render(dataclasses.replace(shard, calls_per_chunk=2))
    assert [len(each.rows) for each in done] == [2, 2, 2]
    assert opened[0].calls[3:5] == [(1, (0,)), (1, (1,))]
    assert {(row.batch_size, row.frames_per_call) for row in rows(shard)} == {(2, 1)}


def test_running_out_of_memory_drops_the_other_models(shard):
    opened = []

    def opener(spec):
        opened.append(spec.width)
        return Counted(spec, room=1 if spec.width == 16 else 8)

    worker = Worker("w", "host", opener)
    other = dataclasses.replace(shard, renderer=ProceduralSpec(height=32, width=32))
    for each in (other, shard, other):
        list(worker.render(each))
    assert opened == [32, 16, 32]


def test_a_model_that_does_not_fit_next_to_another_gets_all_memory(shard):
    loaded = []

    def opener(spec):
        if loaded and loaded[-1] == 32:
            loaded.clear()
            raise OutOfMemory("no room")
        loaded.append(spec.width)
        return Counted(spec)

    worker = Worker("w", "host", opener)
    list(worker.render(dataclasses.replace(shard, renderer=ProceduralSpec(height=32, width=32))))
    assert all(isinstance(outcome, ChunkDone) for outcome in worker.render(shard))


def test_a_model_that_does_not_fit_fails_its_shard_at_once(shard):
    def opener(spec):
        raise OutOfMemory("24 GiB wanted")

    [failed] = Worker("w", "host", opener).render(shard)
    assert failed == Failed(cause=Cause.MODEL, reason="the model does not fit: 24 GiB wanted", chunks=3)


def test_a_model_that_cannot_be_loaded_is_not_loaded_again_for_every_chunk(shard):
    attempts = []

    def opener(spec):
        attempts.append(spec)
        raise ModelError("not there")

    [failed] = Worker("w", "host", opener).render(shard)
    assert (failed.cause, failed.chunks, len(attempts)) == (Cause.MODEL, 3, 1)


class Flawed(ProceduralRenderer):
    """Renders frame 0 black, and frame 3 with NaN."""

    def render(self, chunk):
        pictures = super().render(chunk)
        for slot, frame in enumerate(chunk.frames):
            if frame.index == 0:
                pictures[slot] = np.zeros_like(pictures[slot])
            if frame.index == 3:
                pictures[slot] = None
        return pictures


def test_flawed_pictures_fail_their_chunk_and_are_not_written(shard):
    [blank, bad, good] = Worker("w", "host", Flawed).render(shard)
    assert blank == Failed(cause=Cause.FLAW, reason="frame 0: blank")
    assert bad == Failed(
        cause=Cause.FLAW,
        reason="frame 3: NaN or infinite pixels (float16 overflows: try torch_dtype float32 or bfloat16)",
    )
    assert isinstance(good, ChunkDone)
    assert [row.frame for row in rows(shard)] == [4, 5]


def test_the_last_try_keeps_a_blank_picture_and_loses_only_invalid_ones(shard):
    last = dataclasses.replace(shard, last_try=True)
    [blank, bad, _] = Worker("w", "host", Flawed).render(last)
    assert [(row.frame, row.flaw) for row in blank.rows] == [(0, "blank"), (1, "")]
    assert [row.frame for row in bad.rows] == [2]
    assert (blank.unusable, bad.unusable) == ((), (3,))
    assert all(is_intact(JobFolder(shard.folder), row) for row in rows(shard))


def test_nothing_is_written_to_a_folder_taken_over_by_another_run(shard):
    """Like the workers of a run that was suspended for minutes and then resumed."""
    folder = JobFolder(shard.folder)
    first = FolderLock(folder).acquire()
    mine = dataclasses.replace(shard, lock_id=first.id)
    worker = Worker("w", "host")
    list(worker.render(mine))
    before = rows(shard)
    first.release()
    second = FolderLock(folder).acquire()
    [failed] = worker.render(mine)
    second.release()
    assert (failed.cause, failed.reason) == (
        Cause.TAKEN,
        f"{shard.folder}: another run has taken over this folder, and this run has ended.",
    )
    assert rows(shard) == before


@pytest.fixture
def cached(tmp_path):
    """A worker with a cache, and the renderers that it opened."""
    opened = []

    def opener(spec):
        opened.append(Counted(spec))
        return opened[-1]

    spec = CacheSpec(folder=str(tmp_path / "cache"), limit_bytes=10**7)
    return Worker("w", "host", opener, spec), opened


def test_frames_of_another_job_come_from_the_cache_without_a_model(shard, cached, tmp_path):
    worker, opened = cached
    list(worker.render(shard))
    again = Worker("v", "host", opened.append, CacheSpec(folder=str(tmp_path / "cache"), limit_bytes=10**7))
    elsewhere = dataclasses.replace(shard, job="other", folder=str(tmp_path / "other"))
    list(again.render(elsewhere))
    assert len(opened) == 1
    assert [row.cached for row in rows(elsewhere)] == [True] * 6
    columns = ("frame", "content_sha256", "file_sha256", "environment", "device")
    first, second = (
        [[getattr(row, name) for name in columns] for row in rows(each)] for each in (shard, elsewhere)
    )
    assert first == second


def test_a_partly_cached_chunk_is_rendered_completely(shard, cached, tmp_path):
    worker, opened = cached
    list(worker.render(shard))
    next((tmp_path / "cache").rglob("*.png")).unlink()
    list(worker.render(dataclasses.replace(shard, folder=str(tmp_path / "other"))))
    assert len(opened[0].calls) == 4


def test_frames_of_smaller_calls_and_last_tries_are_not_cached(shard, cached, tmp_path):
    worker, _ = cached
    list(worker.render(dataclasses.replace(shard, calls_per_chunk=2)))
    list(worker.render(dataclasses.replace(shard, last_try=True)))
    assert not list((tmp_path / "cache").rglob("*.png"))


def test_cached_frames_of_another_environment_are_not_used(shard, cached, monkeypatch, tmp_path):
    worker, opened = cached
    list(worker.render(shard))
    monkeypatch.setattr("farm.execute.worker.describe_environment", lambda spec: '{"numpy": "another"}')
    list(worker.render(dataclasses.replace(shard, folder=str(tmp_path / "other"))))
    assert len(opened[0].calls) == 6
