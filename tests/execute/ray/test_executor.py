import time

import pytest

from farm.errors import ClusterError, UsageError
from farm.events import ChunkDone, WorkersAwaited, WorkerStarted
from farm.execute import InlineExecutor
from farm.store import JobFolder, Ledger
from tests.execute.shards import done_frames, shards

pytestmark = pytest.mark.ray


@pytest.fixture
def open_ray(local_ray):
    from farm.execute.ray.executor import RayExecutor

    return RayExecutor


def digests(folder):
    rows = {row.frame: row for row in Ledger(JobFolder(str(folder))).rows()}
    return {index: row.content_sha256 for index, row in rows.items()}


def free_cpus(ray, wanted):
    """Wait a little for Ray to notice that actors have exited."""
    deadline = time.monotonic() + 60
    while (free := ray.available_resources().get("CPU", 0)) < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return free


def test_two_workers_render_the_same_frames_as_one_process(open_ray, tmp_path):
    with InlineExecutor() as executor:
        list(executor.run(shards(tmp_path / "inline")))
    with open_ray() as executor:
        assert executor.worker_count == 2
        events = list(executor.run(shards(tmp_path / "ray", seconds=0.05)))
        again = list(executor.run(shards(tmp_path / "again", job="next")))
    assert done_frames(events) == done_frames(again) == list(range(40))
    assert digests(tmp_path / "ray") == digests(tmp_path / "again") == digests(tmp_path / "inline")
    assert {event.worker for event in events if isinstance(event, ChunkDone)} == {"worker-1", "worker-2"}
    started = [event.worker for event in again if isinstance(event, WorkerStarted)]
    assert sorted(started) == ["worker-1", "worker-2"]


def test_closing_the_run_early_frees_ray_and_keeps_finished_frames(open_ray, local_ray, tmp_path):
    with open_ray(workers=2) as executor:
        run = executor.run(shards(tmp_path, chunks=200, seconds=0.05))
        events = []
        while {event.worker for event in events if isinstance(event, ChunkDone)} != {"worker-1", "worker-2"}:
            events.append(next(run))
        run.close()
        assert free_cpus(local_ray, 2) == 2
        assert set(done_frames(events)) <= set(digests(tmp_path))
        assert len(digests(tmp_path)) < 400
        assert done_frames(list(executor.run(shards(tmp_path, chunks=4)))) == list(range(8))


def test_more_workers_than_the_resources_allow_are_refused(open_ray):
    with pytest.raises(UsageError) as refused, open_ray(workers=5):
        pass
    assert str(refused.value) == ("--workers 5: Ray has 2 CPU cores, and a worker takes one; use 2 or fewer.")


def test_a_cluster_may_start_workers_later_when_resources_are_free(
    open_ray, local_ray, tmp_path, monkeypatch
):
    monkeypatch.setattr("farm.execute.ray.executor._NOTICE_SECONDS", 0.0)
    with open_ray(workers=3, address="auto") as executor:
        assert executor.worker_count == 3
        events = list(executor.run(shards(tmp_path, chunks=20, seconds=0.05)))
    assert done_frames(events) == list(range(40))
    assert WorkersAwaited in map(type, events)
    assert sum(isinstance(event, WorkerStarted) for event in events) == 2


def test_a_cluster_that_does_not_answer_is_reported_at_once():
    from farm.execute.ray.session import _refuse_address

    started = time.monotonic()
    with pytest.raises(ClusterError, match="127.0.0.1:1: no answer"):
        _refuse_address("127.0.0.1:1")
    assert time.monotonic() - started < 6


def test_ray_client_addresses_are_refused_with_a_remedy():
    from farm.execute.ray.session import _refuse_address

    with pytest.raises(UsageError, match="Ray Client cannot stream results"):
        _refuse_address("ray://head:10001")
