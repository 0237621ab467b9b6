"""The ending that every test of the guarantees has: all is as if nothing had happened."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow.parquet as pq

from farm.execute import InlineExecutor
from farm.plan import Plan
from farm.results import EXIT_CODES
from farm.run import render
from farm.run.prepare import Job
from farm.store import Ledger, content_sha256, decode_frame
from tests.guarantees.diary import Diary
from tests.guarantees.films import folder_of, prepare_film

Digests = dict[int, str]

_PATIENCE_SECONDS = 60.0


def assert_as_if_undisturbed(
    job: Job,
    exit_code: int,
    *,
    missing: Collection[int] = (),
    other: Mapping[int, str] = MappingProxyType({}),
    diary: Diary | None = None,
) -> dict:
    """Hold the job's folder against an undisturbed run of the same job; return its `summary.json`.

    Every frame but the `missing` is there with the same pixels, in the ledger, in the table and as a file, where
    it has no `other` content digest; nothing temporary is left; Ray is free, and the `diary`'s processes are gone.
    """
    folder, wanted = folder_of(job), undisturbed(job.plan)
    kept = {index: digest for index, digest in (wanted.digests | other).items() if index not in missing}
    assert digests_of_files(folder) == kept
    assert {row.frame: row.content_sha256 for row in Ledger(job.folder).rows()} == kept
    assert digests_of_table(folder) == kept
    if not missing and not other:
        assert {name: (folder / name).read_bytes() for name in wanted.outputs} == wanted.outputs
    assert leftovers(folder) == []
    assert_free(diary)

    said = json.loads((folder / "summary.json").read_text())
    state = "done" if not missing else "partial" if kept else "failed"
    assert (said["state"], said["exit_code"], exit_code) == (state, EXIT_CODES[state], EXIT_CODES[state])
    counts = said["frames"]
    assert counts["planned"] == counts["rendered"] + counts["kept"] + counts["failed"] == len(wanted.digests)
    named = {index for failed in said["failures"] for index in range(failed["first"], failed["last"] + 1)}
    assert named == set(missing)
    assert counts["failed"] == len(missing)
    return said


def assert_free(diary: Diary | None = None) -> None:
    """All that was Ray's is Ray's again, and no process renders on."""
    import ray

    if ray.is_initialized():
        from ray._private.state import actors

        def free() -> bool:
            return ray.available_resources().get("CPU") == ray.cluster_resources().get("CPU")

        wait_for(free, "Ray to have all its CPUs free")
        wait_for(lambda: not actors(actor_state_name="ALIVE"), "all actors to be gone")
    if diary is not None:
        wait_for(lambda: not diary.alive(), "all workers' processes to be gone")


def wait_for(done: Callable[[], bool], what: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


# --- what is there ---------------------------------------------------------------------------------------


def digests_of_files(folder: Path) -> Digests:
    """Return the content digests of the frames from their pixels; another file among them is an error."""
    frames = sorted((folder / "frames").iterdir()) if (folder / "frames").exists() else []
    return {
        int(path.stem.removeprefix("frame")): content_sha256(decode_frame(path.read_bytes(), path.name))
        for path in frames
    }


def digests_of_table(folder: Path) -> Digests:
    if not (folder / "metadata.parquet").exists():
        return {}
    table = pq.read_table(folder / "metadata.parquet")
    assert table["frame"].to_pylist() == sorted(table["frame"].to_pylist())
    return dict(zip(table["frame"].to_pylist(), table["content_sha256"].to_pylist(), strict=True))


def leftovers(folder: Path) -> list[str]:
    """Return what a finished run must not leave: temporary files, and its claim."""
    names = (os.path.relpath(path, folder) for path in folder.rglob("*"))
    return [name for name in names if "tmp" in name or Path(name).name == "claim.json"]


# --- what should be there --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """Content digests of all frames, and the bytes of the assembled outputs."""

    digests: Digests
    outputs: dict[str, bytes]


def undisturbed(plan: Plan) -> Undisturbed:
    """Render the job once, in this process, where nothing disturbs it."""
    return _undisturbed(plan.manifest_text)


@functools.cache
def _undisturbed(manifest_text: str) -> Undisturbed:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "film.yaml"
        path.write_text(manifest_text)
        job = prepare_film(path)
        with InlineExecutor() as executor:
            [summary] = render([job], executor, lambda event: None)
        assert summary.state == "done"
        folder = folder_of(job)
        names = [artifact.name for artifact in summary.outputs]
        return Undisturbed(
            digests=digests_of_files(folder), outputs={name: (folder / name).read_bytes() for name in names}
        )
