import errno
import os
import threading
from pathlib import Path

import pytest

from farm.errors import StorageError, UsageError
from farm.store import JobFolder


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    return JobFolder(str(tmp_path / "job") if request.param == "local" else f"memory://{tmp_path.name}/job")


def test_written_data_is_read_back(folder):
    folder.write("frames/a.png", b"one")
    folder.write("frames/a.png", b"three")
    assert folder.read("frames/a.png") == b"three"
    assert folder.names("frames") == ["a.png"]
    assert folder.exists("frames/a.png")


def test_a_missing_folder_has_no_files(folder):
    assert folder.names("frames") == []


def test_an_encoder_writes_to_a_path_and_the_file_appears_at_the_end(folder):
    with folder.writing("film.mp4") as path:
        path.write_bytes(b"film")
        assert path.suffix == ".mp4"
        assert not folder.exists("film.mp4")
    assert folder.read("film.mp4") == b"film"


def test_a_failed_write_leaves_only_the_previous_file(folder):
    folder.write("film.mp4", b"previous")
    with pytest.raises(KeyError), folder.writing("film.mp4") as path:
        path.write_bytes(b"half")
        raise KeyError
    assert folder.read("film.mp4") == b"previous"
    assert folder.names("") == ["film.mp4"]


def test_a_file_is_removed_and_removing_it_again_is_not_an_error(folder):
    folder.write("a", b"1")
    folder.remove("a")
    folder.remove("a")
    assert not folder.exists("a")


def test_a_full_disk_is_reported_and_leaves_no_partial_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = JobFolder(str(tmp_path))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="cannot write: No space left on device"):
        folder.write("frames/a.png", b"x" * 100)
    assert list((tmp_path / "frames").iterdir()) == []


def test_an_unknown_protocol_is_refused():
    with pytest.raises(UsageError, match="give a local folder or an fsspec URL"):
        JobFolder("nosuch://bucket/x")


def test_a_missing_file_is_reported_with_its_path(tmp_path):
    with pytest.raises(StorageError, match=f"^{tmp_path}/a: cannot read: No such file or directory.$"):
        JobFolder(str(tmp_path)).read("a")


def test_files_are_readable_by_others(tmp_path):
    JobFolder(str(tmp_path)).write("a", b"1")
    assert Path(tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_file_is_swapped_only_if_its_content_is_the_expected_one(folder):
    assert not folder.compare_and_swap("claim", b"old", b"new")
    assert folder.compare_and_swap("claim", None, b"first")
    assert not folder.compare_and_swap("claim", None, b"another")
    assert not folder.compare_and_swap("claim", b"older", b"second")
    assert not folder.compare_and_swap("claim", b"older", None)
    assert folder.read("claim") == b"first"
    assert folder.compare_and_swap("claim", b"first", b"second")
    assert folder.read("claim") == b"second"
    assert folder.compare_and_swap("claim", b"second", None)
    assert folder.names("") == []


def test_of_many_swaps_of_one_file_one_succeeds(folder):
    for turn in range(30):
        folder.write("claim", b"old")
        gate, took = threading.Barrier(4), []

        def swap(number, turn=turn, gate=gate, took=took):
            gate.wait()
            if folder.compare_and_swap("claim", b"old", b"%d in %d" % (number, turn)):
                took.append(number)

        racers = [threading.Thread(target=swap, args=(number,)) for number in range(4)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        [winner] = took
        assert folder.read("claim") == b"%d in %d" % (winner, turn)


def test_a_missing_file_is_distinguished_from_an_unreadable_one(tmp_path):
    folder = JobFolder(str(tmp_path))
    assert folder.find("a") is None
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageError, match=f"^{tmp_path}/a: cannot read: "):
        folder.find("a")


def test_directories_are_synced_as_well_as_files(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync

    def fsync(handle):
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    JobFolder(str(tmp_path / "job")).write("frames/a.png", b"1")
    assert synced[:2] == [tmp_path, tmp_path / "job"]
    assert synced[2].name.startswith(".tmp-")
    assert synced[3:] == [tmp_path / "job" / "frames"]


def test_a_relative_folder_is_refused_when_the_current_directory_was_removed(tmp_path, monkeypatch):
    removed = tmp_path / "removed"
    removed.mkdir()
    monkeypatch.chdir(removed)
    removed.rmdir()
    with pytest.raises(UsageError) as refused:
        JobFolder("job")
    assert str(refused.value) == (
        "job: the current directory no longer exists; change to another one, or give an absolute path."
    )
