"""Frames by the hundred while processes are killed at random; by the thousand with `--exhaustive`."""

import pytest

from tests.exhaustive import sample
from tests.guarantees.soak import soak
from tests.guarantees.undisturbed import assert_undisturbed

SHORT, LONG = (120, 2, 1), (2000, 12, 2)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(("frames", "worker_kills", "run_kills"), sample([SHORT, LONG], of=[SHORT]))
def test_a_long_render_under_random_kills_ends_like_an_undisturbed_one(
    tmp_path, frames, worker_kills, run_kills
):
    job, diary, figures = soak(
        tmp_path, seed=7, frames=frames, worker_kills=worker_kills, run_kills=run_kills
    )

    assert_undisturbed(job, figures.exit_code, diary=diary)
    assert (figures.frames, figures.workers_killed, figures.runs_killed) == (frames, worker_kills, run_kills)
    # A killed worker loses no more than a chunk that it writes and one that it has drawn; a killed run, those of all.
    assert figures.chunks_drawn_twice <= 2 * figures.workers_killed + 2 * 3 * figures.runs_killed
