"""A verification leaves the job unchanged and no files of its own."""

import uuid

import fsspec
import pytest

from farm.errors import StorageError, UsageError
from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.results import Verdict, job_to_verify
from farm.run import prepare, render
from farm.store import FolderLock, JobFolder, file_name
from tests.results.verify.verifying import files, not_identical, quiet, verified
from tests.s3 import BUCKET, faulty_store
from tests.tampering import flip_pixel


def test_the_scratch_folder_contains_at_most_one_chunk(rendered):
    folder, counts = rendered(), []

    def count(event):
        if isinstance(event, ChunkDone):
            counts.append(len(list(folder.glob(".farm/verify-*/frames/*.png"))))

    verified(folder, on_event=count)
    assert counts == [0] * 6


def test_an_interrupted_verification_leaves_no_files_and_returns_its_findings(rendered):
    folder = rendered()
    flip_pixel(folder, 1)
    before = files(folder)

    def stop(event):
        if isinstance(event, ChunkDone) and event.rows[0].frame == 4:
            raise KeyboardInterrupt

    found = verified(folder, on_event=stop)
    assert (found.interrupted, found.exit_code, found.count()) == (True, 130, 8)
    assert not_identical(found) == [(1, 1, "altered", "its pixels were changed")]
    assert files(folder) == before
    assert {path.name for path in (folder / ".farm").iterdir()} == {"events.jsonl", "ledger"}


def test_an_error_leaves_no_files(rendered):
    folder = rendered()

    def fail(event):
        if isinstance(event, ChunkDone):
            raise StorageError("no more")

    with pytest.raises(StorageError, match="^no more$"):
        verified(folder, on_event=fail)
    assert {path.name for path in (folder / ".farm").iterdir()} == {"events.jsonl", "ledger"}


@pytest.mark.parametrize("again", ["verify", "render"])
def test_files_of_a_killed_verification_are_removed_by_the_next_one_or_a_run(rendered, again):
    folder = rendered()
    leftover = folder / ".farm" / "verify-of-another" / "frames"
    leftover.mkdir(parents=True)
    (leftover / "frame000000.png").write_bytes(b"half")
    if again == "verify":
        assert verified(folder).exit_code == 0
    else:
        rendered()
    assert {path.name for path in (folder / ".farm").iterdir()} == {"events.jsonl", "ledger"}


def test_a_run_and_a_verification_never_share_a_folder(rendered):
    folder = rendered()
    lock = FolderLock(JobFolder(str(folder))).acquire()
    with pytest.raises(StorageError, match="another run has locked this folder"):
        verified(folder)
    lock.release()
    refused = []

    def render_meanwhile(event):
        if isinstance(event, ChunkDone) and not refused:
            with pytest.raises(StorageError, match="another run has locked this folder") as error:
                FolderLock(JobFolder(str(folder))).acquire()
            refused.append(error)

    assert verified(folder, on_event=render_meanwhile).exit_code == 0
    assert refused


def test_a_job_in_memory_is_verified_and_unchanged(write_manifest):
    parent = f"memory://{uuid.uuid4().hex}"
    job = prepare(write_manifest(), output_dir=parent, procedural=True)
    with InlineExecutor() as executor:
        render([job], executor, quiet)
    url = f"{parent}/job-rehearsal"
    folder = JobFolder(url)
    assert verified(url).exit_code == 0
    folder.write(file_name(5), folder.read(file_name(6)))
    folder.write(".farm/verify-of-another/frames/frame000000.png", b"half")
    found = verified(url)
    assert not_identical(found) == [(5, 5, "altered", "its pixels were changed")]
    assert found.again == ""
    left = fsspec.filesystem("memory").find(f"{url}/.farm".removeprefix("memory:/"))
    assert {name.rsplit("/", 2)[-2] for name in left} == {"events", "ledger"}


def test_a_job_on_an_object_store_is_verified_and_unchanged(write_manifest, monkeypatch):
    with faulty_store(monkeypatch) as store:
        job = prepare(write_manifest(frames=9), output_dir=f"s3://{BUCKET}", procedural=True)
        with InlineExecutor() as executor:
            render([job], executor, quiet)
        url = f"s3://{BUCKET}/job-rehearsal"
        JobFolder(url).write(".farm/verify-of-another/frames/frame000000.png", b"half")
        JobFolder(url).remove(file_name(5))
        store.fail_at_random(0.1, seed=1)
        found = verified(url)
        assert not_identical(found) == [(5, 5, "missing", "its file is missing")]
        assert found.count(Verdict.IDENTICAL) == 8
        assert store.faults
        left = store.keys()
        assert not [key for key in left if "verify" in key or "claim" in key]


def test_a_folder_without_a_job_is_refused(tmp_path):
    with pytest.raises(UsageError, match=f"^{tmp_path}: not a job's folder: it has no manifest.yaml.$"):
        job_to_verify(str(tmp_path))


def test_a_folder_that_contains_links_is_refused(rendered, tmp_path):
    folder = rendered()
    (folder / "frames").rename(tmp_path / "elsewhere")
    (folder / "frames").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a symbolic link to") as refused:
        job_to_verify(str(folder))
    assert str(refused.value).endswith(
        "; a job's folder must not contain links: replace it with the folder itself."
    )
