"""Thousands of frames while processes are killed at random."""

import pytest

from tests.guarantees.soak import soak
from tests.guarantees.undisturbed import assert_as_if_undisturbed


@pytest.mark.ray
@pytest.mark.slow
def test_a_long_render_under_random_kills_ends_as_if_there_had_been_none(tmp_path):
    job, diary, figures = soak(tmp_path, seed=7)

    assert_as_if_undisturbed(job, figures.exit_code, diary=diary)
    assert (figures.frames, figures.workers_killed, figures.runs_killed) == (2000, 12, 2)
    # A killed worker loses no more than a chunk that it writes and one that it has drawn; a killed run, those of all.
    assert figures.chunks_drawn_twice <= 2 * figures.workers_killed + 2 * 3 * figures.runs_killed
