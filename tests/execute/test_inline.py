import hashlib
import itertools
import subprocess
import sys

from farm.errors import StorageError
from farm.events import ChunkDone, FramesFailed
from farm.execute import InlineExecutor, open_executor
from farm.render import open_renderer
from farm.store import JobFolder, Ledger, content_sha256, decode_frame
from tests.execute.shards import FailsOn, done_frames, failures, missing_model, shards


def test_importing_the_package_loads_neither_ray_nor_torch():
    code = "import sys, farm.execute; sys.exit('ray' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_frame_is_written_and_recorded(tmp_path):
    with open_executor(inline=True) as executor:
        events = list(executor.run(shards(tmp_path)))
    folder = JobFolder(str(tmp_path))
    rows = {row.frame: row for row in Ledger(folder).rows()}
    assert done_frames(events) == sorted(rows) == list(range(40))
    for row in rows.values():
        data = folder.read(row.file_name)
        assert hashlib.sha256(data).hexdigest() == row.file_sha256
        assert content_sha256(decode_frame(data, row.file_name)) == row.content_sha256
        assert (row.worker, row.attempt, row.device) == ("inline", 1, "cpu")
        assert row.rendered_at.endswith("+00:00")


def test_a_bad_frame_costs_only_its_chunk(tmp_path):
    with InlineExecutor(open_renderer=FailsOn(13)) as executor:
        events = list(executor.run(shards(tmp_path)))
    assert failures(events) == [
        FramesFailed(job="job", frames=(12, 13), reason="frame 13 is black", attempts=3)
    ]
    assert done_frames(events) == sorted(set(range(40)) - {12, 13})


def test_a_missing_model_fails_its_jobs_frames_and_the_next_job_continues(tmp_path):
    both = [*shards(tmp_path / "a"), *shards(tmp_path / "b", job="other", size=32)]
    with InlineExecutor(open_renderer=missing_model) as executor:
        events = list(executor.run(both))
    assert {event.reason for event in failures(events)} == {"no/such-model: not found"}
    assert sum(len(event.frames) for event in failures(events)) == 40
    assert {event.job for event in events if isinstance(event, ChunkDone)} == {"other"}


def test_a_full_disk_stops_the_job_soon(tmp_path, monkeypatch):
    tried = []

    def full(self, name, data):
        tried.append(name)
        raise StorageError(f"{name}: cannot write: No space left on device.")

    monkeypatch.setattr(JobFolder, "write", full)
    with InlineExecutor() as executor:
        events = list(executor.run(shards(tmp_path, chunks=400)))
    assert done_frames(events) == []
    assert sum(len(event.frames) for event in failures(events)) == 800
    assert len(tried) == 2


def test_an_unexpected_error_is_reported_by_its_name(tmp_path):
    def broken(spec):
        raise KeyError("unet")

    with InlineExecutor(open_renderer=broken) as executor:
        events = list(executor.run(shards(tmp_path, chunks=2)))
    assert failures(events) == [
        FramesFailed(job="job", frames=(0, 1, 2, 3), reason="KeyError: 'unet'", attempts=1)
    ]


def test_renderers_stay_warm_and_only_two_are_kept(tmp_path):
    opened = []

    def counting(spec):
        opened.append(spec.height)
        return open_renderer(spec)

    with InlineExecutor(open_renderer=counting) as executor:
        for size in (16, 24, 16, 32, 16, 24):
            list(executor.run(shards(tmp_path, chunks=1, size=size)))
    assert opened == [16, 24, 32, 24]


def test_closing_the_run_early_keeps_finished_frames(tmp_path):
    with InlineExecutor() as executor:
        run = executor.run(shards(tmp_path))
        seen = list(itertools.islice(run, 12))
        run.close()
    rows = {row.frame: row for row in Ledger(JobFolder(str(tmp_path))).rows()}
    assert set(done_frames(seen)) <= set(rows)
    assert len(rows) < 40
