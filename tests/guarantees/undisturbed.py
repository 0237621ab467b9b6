"""The final checks of every guarantee test: everything is as after an undisturbed run."""

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


def assert_undisturbed(
    job: Job,
    exit_code: int,
    *,
    missing: Collection[int] = (),
    other: Mapping[int, str] = MappingProxyType({}),
    diary: Diary | None = None,
) -> dict:
    """Compare the job's folder with an undisturbed run of the same job; return its `summary.json`.

    Every frame except the `missing` ones exists with the same pixels, or with its `other` content digest, in the
    ledger, in the table and as a file; no temporary files remain; Ray is free, and the `diary`'s processes have ended.
    """
    folder, expected = folder_of(job), undisturbed(job.plan)
    kept = {index: digest for index, digest in (expected.digests | other).items() if index not in missing}
    assert digests_of_files(folder) == kept
    assert {row.frame: row.content_sha256 for row in Ledger(job.folder).rows()} == kept
    assert digests_of_table(folder) == kept
    if not missing and not other:
        assert {name: (folder / name).read_bytes() for name in expected.outputs} == expected.outputs
    assert leftovers(folder) == []
    assert_free(diary)

    summary = json.loads((folder / "summary.json").read_text())
    state = "done" if not missing else "partial" if kept else "failed"
    assert (summary["state"], summary["exit_code"], exit_code) == (
        state,
        EXIT_CODES[state],
        EXIT_CODES[state],
    )
    counts = summary["frames"]
    assert (
        counts["planned"] == counts["rendered"] + counts["kept"] + counts["failed"] == len(expected.digests)
    )
    named = {index for failed in summary["failures"] for index in range(failed["first"], failed["last"] + 1)}
    assert named == set(missing)
    assert counts["failed"] == len(missing)
    return summary


def assert_free(diary: Diary | None = None) -> None:
    """Check that Ray's resources are free, and that no process is rendering."""
    import ray

    if ray.is_initialized():
        from ray._private.state import actors

        def free() -> bool:
            return ray.available_resources().get("CPU") == ray.cluster_resources().get("CPU")

        wait_for(free, "Ray to have all its CPUs free")
        wait_for(lambda: not actors(actor_state_name="ALIVE"), "all actors to exit")
    if diary is not None:
        wait_for(lambda: not diary.alive(), "all workers' processes to exit")


def wait_for(done: Callable[[], bool], what: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


# --- actual frames ---------------------------------------------------------------------------------------


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
    """Return files that a finished run must not leave: temporary files, and its lock."""
    names = (os.path.relpath(path, folder) for path in folder.rglob("*"))
    return [name for name in names if "tmp" in name or Path(name).name == "claim.json"]


# --- expected frames -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """Content digests of all frames, and the bytes of the assembled outputs."""

    digests: Digests
    outputs: dict[str, bytes]


def undisturbed(plan: Plan) -> Undisturbed:
    """Render the job once in this process, without disturbance."""
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
