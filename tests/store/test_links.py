"""Below a job's folder, nothing is read, written, listed or removed through a link."""

import contextlib
import os
import threading
from pathlib import Path

import pytest

from farm.errors import StorageError
from farm.store import JobFolder

SECRET = b"canary-of-a-secret"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job").mkdir()
    return JobFolder(str(tmp_path / "job"))


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with secrets, which must remain unchanged."""
    outside = tmp_path / "elsewhere"
    (outside / "inner").mkdir(parents=True)
    for path in (outside / "secret", outside / "inner" / "secret", outside / ".tmp-mine"):
        path.write_bytes(SECRET)
    yield outside
    assert sorted(path.name for path in outside.rglob("*")) == [".tmp-mine", "inner", "secret", "secret"]
    assert all(path.read_bytes() == SECRET for path in outside.rglob("*") if path.is_file())


def refused(call, *arguments):
    with pytest.raises(StorageError) as raised:
        call(*arguments)
    return str(raised.value)


def link(folder, name, target):
    path = Path(folder.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def mode(folder, name=""):
    return Path(folder.path(name)).stat().st_mode & 0o777


def write_film(folder, name):
    with folder.writing(name) as path:
        path.write_bytes(b"film")


FOLDER_CALLS = {
    "read": lambda folder, name: folder.read(name),
    "find": lambda folder, name: folder.find(name),
    "write": lambda folder, name: folder.write(name, b"new"),
    "write a film": write_film,
    "create": lambda folder, name: folder.compare_and_swap(name, None, b"new"),
    "swap": lambda folder, name: folder.compare_and_swap(name, SECRET, b"new"),
    "remove": lambda folder, name: folder.remove(name),
    "exists": lambda folder, name: folder.exists(name),
    "list": lambda folder, name: folder.names(name),
    "list folders of": lambda folder, name: folder.folders(name),
}


@pytest.mark.parametrize("call", FOLDER_CALLS.values(), ids=FOLDER_CALLS)
@pytest.mark.parametrize(
    "name_of_link", ["frames", ".farm", ".farm/ledger", ".farm/analysis", ".farm/analysis/ab"]
)
def test_nothing_is_reached_through_a_folder_that_is_a_link(folder, elsewhere, name_of_link, call):
    path = folder.path(name_of_link)
    link(folder, name_of_link, elsewhere)
    for name in (f"{name_of_link}/secret", f"{name_of_link}/inner/secret"):
        assert refused(call, folder, name).endswith(
            f"{path} is a symbolic link; links are not followed here."
        )


@pytest.mark.parametrize("name", ["manifest.yaml", "frames/frame000000.png"])
def test_a_file_that_is_a_link_is_not_read(folder, elsewhere, name):
    folder.write("frames/other", b"")
    link(folder, name, elsewhere / "secret")
    message = f"{folder.path(name)}: cannot read: {folder.path(name)} is a symbolic link; links are not followed here."
    assert refused(folder.read, name) == refused(folder.find, name) == message
    assert folder.names("") == []
    assert folder.exists(name)


@pytest.mark.parametrize("target", ["secret", "nothing"])
def test_a_file_that_is_a_link_is_replaced_and_its_target_is_not_written_to(folder, elsewhere, target):
    for name, write in (("a", folder.write), ("b", lambda name, _: write_film(folder, name))):
        link(folder, name, elsewhere / target)
        write(name, b"film")
        assert folder.read(name) == b"film"
        assert folder.names("") == ["a", "b"][: ord(name) - ord("a") + 1]


def test_a_lock_that_is_a_link_is_not_written_to(folder, elsewhere):
    link(folder, "claim", elsewhere / "nothing")
    assert refused(folder.compare_and_swap, "claim", None, b"mine").startswith(
        f"{folder.path('claim')}: cannot write: "
    )
    folder.remove("claim")
    link(folder, "claim.lock", elsewhere / "nothing")
    assert refused(folder.compare_and_swap, "claim", None, b"mine").startswith(
        f"{folder.path('claim')}: cannot write: "
    )


def test_a_link_is_removed_and_its_target_is_kept(folder, elsewhere):
    link(folder, "a", elsewhere / "secret")
    link(folder, ".tmp-folder", elsewhere)
    link(folder, ".tmp-file", elsewhere / "secret")
    link(folder, "frames", elsewhere)
    folder.remove("a")
    folder.sweep()
    assert [path.name for path in Path(folder.url).iterdir()] == ["frames"]


def test_a_scratch_folder_is_not_created_through_a_link(folder, elsewhere):
    link(folder, ".farm", elsewhere)

    def write():
        with folder.scratch() as scratch:
            scratch.write("frames/a.png", b"new")

    assert refused(write).endswith("/.farm is a symbolic link; links are not followed here.")


def test_a_worker_follows_no_link_to_a_scratch_folder(folder, elsewhere):
    link(folder, ".farm", elsewhere)
    of_a_worker = JobFolder(folder.path(".farm/inner"))
    assert refused(of_a_worker.read, "secret").endswith(
        "/.farm is a symbolic link; links are not followed here."
    )
    assert refused(of_a_worker.names, "").endswith("/.farm is a symbolic link; links are not followed here.")


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "job").symlink_to(tmp_path / "disk")
    folder = JobFolder(str(tmp_path / "job"))
    folder.write("frames/a.png", b"1")
    assert (tmp_path / "disk" / "frames" / "a.png").read_bytes() == b"1"
    assert folder.names("frames") == ["a.png"]


@pytest.mark.parametrize("name", ["../x", "frames/../../x", "/etc/passwd", "frames//x", "./x"])
def test_a_name_cannot_lead_out_of_the_folder(folder, name):
    assert refused(folder.read, name).endswith("it is not the name of a file below this folder.")
    assert refused(folder.write, name, b"").endswith("it is not the name of a file below this folder.")


def test_a_link_created_during_access_is_not_followed(folder, elsewhere):
    """Another thread repeatedly replaces `frames` by a link and back."""
    folder.write("real/secret", b"own")
    link(folder, "link", elsewhere)
    frames, stop = Path(folder.path("frames")), threading.Event()

    def exchange():
        while not stop.is_set():
            for name in ("link", "real"):
                Path(folder.path(name)).rename(frames)
                frames.rename(folder.path(name))

    thread = threading.Thread(target=exchange)
    thread.start()
    found = set()
    try:
        for _ in range(20_000):
            with contextlib.suppress(StorageError):
                found.add(folder.find("frames/secret"))
    finally:
        stop.set()
        thread.join()
    assert found == {b"own", None}


def test_files_and_folders_follow_the_umask(tmp_path):
    for mask, file_mode, folder_mode in ((0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)):
        previous = os.umask(mask)
        try:
            folder = JobFolder(str(tmp_path / f"{mask}" / "job"))
            folder.write("frames/a.png", b"1")
            folder.compare_and_swap(".farm/claim.json", None, b"1")
            write_film(folder, "film.mp4")
        finally:
            os.umask(previous)
        files = ("frames/a.png", ".farm/claim.json", "film.mp4")
        assert {mode(folder, name) for name in files} == {file_mode}
        folders = ("", "frames", ".farm")
        assert {mode(folder, name) for name in folders} == {folder_mode}


def test_an_encoder_writes_to_a_private_directory(folder):
    with folder.writing("film.mp4") as path:
        assert path.parent.stat().st_mode & 0o777 == 0o700
        path.write_bytes(b"film")
    assert folder.names("") == ["film.mp4"]
    assert folder.folders("") == []


def test_an_encoder_that_leaves_a_link_leaves_no_file(folder, elsewhere):
    def encode():
        with folder.writing("film.mp4") as path:
            path.symlink_to(elsewhere / "secret")

    assert "is a symbolic link" in refused(encode)
    assert folder.names("") == []


def test_the_temporary_files_of_a_killed_encoder_are_removed(folder):
    folder.write(".tmp-0123/film.mp4", b"half")
    folder.sweep()
    assert folder.folders("") == []


def open_paths():
    """Yield the paths of this process's open descriptors."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            yield str(descriptor.readlink())


def test_descriptors_are_closed_after_success_and_failure(folder, elsewhere):
    link(folder, "frames", elsewhere)
    folder.write(".farm/ledger/a", b"1")
    folder.find(".farm/ledger/none")
    refused(folder.read, "frames/secret")
    refused(folder.read, ".farm/ledger/a/b")
    refused(folder.read, ".farm/ledger")
    assert [path for path in open_paths() if path.startswith((folder.url, str(elsewhere)))] == []
    with folder.writing("film.mp4") as path:
        path.write_bytes(b"1")
        assert [name for name in open_paths() if name.startswith(folder.url)] != []
