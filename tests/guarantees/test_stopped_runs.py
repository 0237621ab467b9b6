"""A killed run, and the same command again."""

import psutil
import pytest

from farm.execute import InlineExecutor
from farm.results import exit_code
from farm.run import render
from farm.store import Ledger
from tests.guarantees.diary import Diary
from tests.guarantees.driver import Driver
from tests.guarantees.faults import Faulty
from tests.guarantees.films import folder_of, prepare_film, write_film
from tests.guarantees.undisturbed import assert_undisturbed, undisturbed, wait_for


def render_here(job, diary):
    with InlineExecutor(open_renderer=Faulty(diary)) as executor:
        return exit_code(render([job], executor, lambda event: None))


def recorded(job):
    return {row.frame for row in Ledger(job.folder).rows()}


@pytest.mark.ray
@pytest.mark.slow
def test_after_the_driver_is_killed_the_same_command_renders_only_what_is_missing(tmp_path):
    manifest = write_film(tmp_path, frames=60)
    job, first, second = prepare_film(manifest), Diary(tmp_path / "first"), Diary(tmp_path / "second")

    killed = Driver(manifest, first, seconds_per_chunk=0.2)
    wait_for(lambda: len(recorded(job)) >= 6 or killed.process.poll() is not None, "some frames")
    before = recorded(job)
    orphans = killed.kill()
    assert (folder_of(job) / ".farm" / "claim.json").exists()
    again = Driver(manifest, second)  # at once, while the orphans may still be running
    code = again.end()

    _, lingering = psutil.wait_procs(orphans, timeout=60)
    assert lingering == []
    summary = assert_undisturbed(job, code, diary=first)
    assert_undisturbed(job, code, diary=second)
    calls = second.calls()
    rendered = {frame for chunk in calls for frame in chunk}
    assert set(calls.values()) == {1}
    assert summary["frames"]["kept"] >= len(before) >= 6
    assert len(rendered) == summary["frames"]["rendered"] == 60 - summary["frames"]["kept"] > 0
    assert not rendered & before


@pytest.mark.parametrize("place", ["gif", "table"])
def test_a_run_killed_while_writing_keeps_the_previous_files_intact(place, tmp_path, diary):
    manifest = write_film(tmp_path, seed=3)
    job = prepare_film(manifest)
    assert render_here(job, diary) == 0
    folder = folder_of(job)
    former = {name: (folder / name).read_bytes() for name in ("film.gif", "film.mp4", "metadata.parquet")}

    job = prepare_film(write_film(tmp_path, seed=4))
    killed = Driver(manifest, diary, "--inline", stop_in=place)
    wait_for(lambda: killed.stopped, f"the {place} to be half written")
    assert list(folder.glob({"gif": ".tmp-*/film.gif", "table": ".tmp-*/metadata.parquet"}[place]))
    killed.kill()
    there = {name: (folder / name).read_bytes() for name in former}
    made = undisturbed(job.plan).outputs  # films appear before the table is written
    films = {} if place == "gif" else {name: made[name] for name in ("film.gif", "film.mp4")}
    assert there == former | films

    diary.path.unlink()
    assert_undisturbed(job, render_here(job, diary), diary=diary)
    assert diary.calls() == {}
    assert (folder / "metadata.parquet").read_bytes() != former["metadata.parquet"]
