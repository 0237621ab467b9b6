"""A full disk is reported with a remedy, and leaves neither partial nor damaged files.

A disk that is really full needs a separate mount, which few machines allow every user: where the kernel does (user
namespaces), the last test renders onto a tmpfs of a few hundred KiB. The others let fsync fail, where file systems
with delayed allocation report it.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.run import prepare, render
from farm.store import JobFolder, Ledger

FRAMES = 13


def run(path, output_dir, on_event=lambda event: None):
    with InlineExecutor() as executor:
        [summary] = render([prepare(path, output_dir=str(output_dir), procedural=True)], executor, on_event)
    return summary


def digests(folder):
    rows = Ledger(JobFolder(str(folder))).rows()
    return [(row.frame, row.recipe_digest, row.content_sha256, row.file_sha256) for row in rows]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Disk:
    """Full for the temporary files whose path matches `pattern`, while it is set."""

    pattern = None

    def __init__(self):
        self._sync = os.fsync

    def fsync(self, handle):
        path = str(Path(f"/proc/self/fd/{handle}").readlink())
        if self.pattern and re.search(self.pattern, path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._sync(handle)


@pytest.fixture
def disk(monkeypatch):
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out" / "job-rehearsal"


@pytest.fixture
def undisturbed(write_manifest, tmp_path):
    run(write_manifest(frames=FRAMES), tmp_path / "undisturbed")
    return digests(tmp_path / "undisturbed" / "job-rehearsal")


def assert_complete(folder, undisturbed):
    assert digests(folder) == undisturbed
    assert {path.name for path in (folder / "frames").iterdir()} == {
        f"frame{index:06d}.png" for index in range(FRAMES)
    }
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        *("job.gif", "job.mp4", "contact_sheet.png", "metadata.parquet", "summary.json", "manifest.yaml"),
        *("report.html", "preview.webp"),
    }
    assert {path.name for path in (folder / ".farm").iterdir()} == {"events.jsonl", "ledger"}


@pytest.mark.parametrize(
    ("pattern", "what", "where"),
    [
        (r"/frames/\.tmp-.*\.png$", "frames/frame000004.png", "frames"),
        (r"/ledger/\.tmp-.*\.jsonl$", ".farm/ledger/frame000004-000007.jsonl", ".farm/ledger"),
    ],
    ids=["frame", "ledger"],
)
def test_a_disk_that_fills_up_while_rendering_ends_the_job_with_a_remedy(
    write_manifest, tmp_path, folder, undisturbed, disk, pattern, what, where
):
    path = write_manifest(frames=FRAMES)

    def fill_after_the_first(event):
        if isinstance(event, ChunkDone):
            disk.pattern = pattern

    # Chunks are written while the next is drawn: one event arrives before the second chunk is written.
    summary = run(path, tmp_path / "out", fill_after_the_first)
    assert (summary.state, summary.exit_code) == ("partial", 3)
    kept = summary.frames.rendered
    assert kept in (4, 8)
    what = what.replace("000004", f"{kept:06d}").replace("000007", f"{kept + 3:06d}")
    [reason] = {failed.reason for failed in summary.failures}
    assert re.fullmatch(
        re.escape(f"{folder}/{what}: cannot write: No space left on device. {folder}/{where} has ")
        + r"\d+ MiB free; free up space and run again\.",
        reason,
    )
    assert not [name for name in files(folder) if ".tmp-" in name]
    assert [row[0] for row in digests(folder)] == list(range(kept))
    disk.pattern = None
    again = run(path, tmp_path / "out")
    assert (again.state, again.frames.kept) == ("done", kept)
    assert_complete(folder, undisturbed)


@pytest.mark.parametrize("output", ["job.gif", "metadata.parquet"])
def test_a_disk_that_fills_up_while_an_output_is_written_keeps_the_previous_output(
    write_manifest, tmp_path, folder, undisturbed, disk, output
):
    run(write_manifest(frames=FRAMES), tmp_path / "out")
    former = files(folder)
    path = write_manifest(frames=FRAMES, fps=("gif: {fps: 10}", "gif: {fps: 5}"))
    disk.pattern = rf"/\.tmp-.*\.{output.rpartition('.')[2]}$"
    summary = run(path, tmp_path / "out")
    assert summary.state == "partial"
    assert re.fullmatch(
        re.escape(f"{folder}/{output}: cannot write: No space left on device. {folder} has ")
        + r"\d+ MiB free; free up space and run again\.",
        summary.error,
    )
    left = files(folder)
    assert left.keys() == former.keys()
    assert left[output] == former[output]
    assert left["job.mp4"] == former["job.mp4"]
    assert json.loads(left["summary.json"])["error"] == summary.error
    disk.pattern = None
    again = run(path, tmp_path / "out")
    assert (again.state, again.frames.rendered) == ("done", 0)
    assert_complete(folder, undisturbed)
    assert (folder / "job.gif").read_bytes() != former["job.gif"]


ON_A_SMALL_DISK = """
import json, sys
from pathlib import Path
from farm.execute import InlineExecutor
from farm.run import prepare, render

manifest, disk = map(Path, sys.argv[1:])
ballast = disk / "ballast"


def run():
    with InlineExecutor() as executor:
        return render([prepare(manifest, output_dir=str(disk), procedural=True)], executor, lambda event: None)[0]


def outcome(summary):
    folder = disk / "job-rehearsal"
    return {
        "state": summary.state,
        "messages": sorted({summary.error, *(failed.reason for failed in summary.failures)}),
        "frames": sorted(path.name for path in (folder / "frames").iterdir()),
        "temporary": [str(path) for path in folder.rglob(".tmp-*")],
        "rows": [],
    }


ballast.write_bytes(b"x" * int(1.9 * 2**20))
full = outcome(run())
ballast.unlink()
again = outcome(run())
from farm.store import JobFolder, Ledger
rows = Ledger(JobFolder(str(disk / "job-rehearsal"))).rows()
again["rows"] = [(row.frame, row.recipe_digest, row.content_sha256, row.file_sha256) for row in rows]
print(json.dumps([full, again]))
"""


def small_disk(folder, command):
    """Return a command that runs `command` with a tmpfs of 2 MiB at `folder`, visible only to it."""
    mount = 'mount -t tmpfs -o size=2m farm "$0" && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder), *command]


def test_a_disk_that_is_really_full_leaves_only_complete_frames(write_manifest, tmp_path, undisturbed):
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not shutil.which("unshare")
        or subprocess.run(small_disk(disk, ["true"]), capture_output=True).returncode
    ):
        pytest.skip("this machine does not allow users to mount a disk")
    command = [sys.executable, "-c", ON_A_SMALL_DISK, str(write_manifest(frames=FRAMES)), str(disk)]
    done = subprocess.run(small_disk(disk, command), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    full, again = json.loads(done.stdout.splitlines()[-1])
    assert full["state"] in ("partial", "failed")
    assert any(re.search("No space left on device. .* has 0 MiB free", text) for text in full["messages"])
    assert all(text == "" or text.endswith("free up space and run again.") for text in full["messages"])
    assert full["temporary"] == again["temporary"] == []
    assert again["state"] == "done"
    assert [tuple(row) for row in again["rows"]] == undisturbed
