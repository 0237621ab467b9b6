"""Frames shared between jobs: one renders them, another gets them from the cache."""

import pytest

from farm.execute import InlineExecutor
from farm.records import CacheSpec
from farm.run import prepare, render
from farm.store import JobFolder, Ledger


@pytest.fixture
def run(write_manifest, tmp_path):
    """Render a rehearsal under a name, with the cache; return its summary and ledger rows."""

    def run(name, *overrides, limit_bytes=10**8):
        cache = CacheSpec(folder=str(tmp_path / "cache"), limit_bytes=limit_bytes)
        job = prepare(
            write_manifest(name), overrides=overrides, output_dir=str(tmp_path / "out"), procedural=True
        )
        with InlineExecutor(cache=cache) as executor:
            [summary] = render([job], executor, lambda event: None)
        return summary, list(Ledger(JobFolder(job.folder.url)).rows())

    return run


def test_another_job_gets_shared_frames_from_the_cache(run):
    first, rendered = run("first")
    second, taken = run("second")
    assert (first.frames.rendered, first.frames.cached) == (21, 0)
    assert (second.frames.rendered, second.frames.cached, second.state) == (0, 21, "done")
    assert all(row.cached for row in taken)
    assert [row.file_sha256 for row in taken] == [row.file_sha256 for row in rendered]
    assert second.workers == ()


def test_a_longer_animation_renders_only_new_frames(run):
    """Keyframes keep their positions, so the first frames keep their recipes; the last chunk was a short one."""
    motion = ("animation.prompts={0: a, 20: b}", "animation.noise={mode: per_frame}")
    run("short", *motion, "animation.frames=21")
    summary, rows = run("long", *motion, "animation.frames=41")
    assert [row.frame for row in rows if row.cached] == list(range(20))
    assert (summary.frames.rendered, summary.frames.cached) == (21, 20)


def test_another_recipe_finds_no_cached_frame(run):
    run("first")
    summary, _ = run("other", "seed=4")
    assert (summary.frames.rendered, summary.frames.cached) == (21, 0)


def test_an_altered_entry_is_rendered_again_with_its_chunk(run, tmp_path):
    run("first")
    entry = sorted((tmp_path / "cache").rglob("*.png"))[0]
    entry.write_bytes(entry.read_bytes()[:400])
    summary, _ = run("second")
    assert summary.frames.rendered in (1, 4)  # the last chunk holds one frame
    assert summary.frames.rendered + summary.frames.cached == 21


def test_a_cache_that_is_too_small_is_useless_but_harmless(run, tmp_path):
    run("first", limit_bytes=2000)
    summary, _ = run("second", limit_bytes=2000)
    assert summary.state == "done"
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.png")) <= 2000
