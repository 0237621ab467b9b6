import itertools
import math
import random

import pytest

from farm.plan.pacing import EVEN, even_alphas, initial_alphas, refined_alphas, unevenness


def sudden(alpha):
    """Change suddenly at an alpha of 0.6."""
    return 1 / (1 + math.exp(-60 * (alpha - 0.6)))


def jump(alpha):
    """Change slowly, with a jump at an alpha of a third."""
    return alpha / 4 + (alpha > 1 / 3)


def distances(alphas, curve=sudden):
    return [abs(curve(one) - curve(other)) for one, other in itertools.pairwise(alphas)]


def fully_refined(curve, *, frames, rounds=60, limit=12):
    """Refine until no more alphas are proposed."""
    alphas = initial_alphas(2, 12)
    for _ in range(rounds):
        more = refined_alphas(alphas, distances(alphas, curve), frames=frames, limit=limit)
        if not more:
            return alphas
        alphas = tuple(sorted({*alphas, *more}))
    raise AssertionError("it never ended")


def test_initial_alphas_include_every_prompt_and_divide_the_rest_evenly():
    assert initial_alphas(3, 5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert initial_alphas(3, 6) == (0.0, 0.1666667, 0.3333333, 0.5, 0.75, 1.0)
    assert initial_alphas(2, 3) == (0.0, 0.5, 1.0)
    assert initial_alphas(4, 4) == (0.0, 1 / 3, 2 / 3, 1.0)


def test_refinement_divides_the_largest_gap_first():
    alphas = (0.0, 0.2, 0.5, 1.0)
    assert refined_alphas(alphas, (0.1, 0.2, 0.7), frames=100, limit=1) == (0.75,)
    assert refined_alphas(alphas, (0.1, 0.2, 0.7), frames=100, limit=3) == (0.625, 0.75, 0.875)
    assert refined_alphas(alphas, (0.1, 0.2, 0.7), frames=100, limit=4) == (0.35, 0.625, 0.75, 0.875)


def test_gaps_of_up_to_two_steps_are_not_refined():
    assert EVEN == 2
    assert refined_alphas((0.0, 0.5, 1.0), (0.5, 0.5), frames=5, limit=9) == ()
    assert refined_alphas((0.0, 0.5, 1.0), (0.4, 0.6), frames=5, limit=9) == (0.75,)


def test_spare_alphas_of_a_batch_go_into_the_same_gaps():
    alphas, changes = (0.0, 0.5, 1.0), (0.4, 0.6)
    assert refined_alphas(alphas, changes, frames=5, limit=9, batch_size=3) == (0.625, 0.75, 0.875)
    assert refined_alphas(alphas, changes, frames=5, limit=2, batch_size=3) == (0.6666667, 0.8333333)
    assert refined_alphas(alphas, (0.5, 0.5), frames=5, limit=9, batch_size=3) == ()


def test_a_jump_is_refined_down_to_the_minimum_difference_of_alphas():
    alphas = fully_refined(jump, frames=100)
    low, high = next(pair for pair in itertools.pairwise(alphas) if pair[1] > 1 / 3)
    assert 1e-6 <= high - low < 3e-6


def test_refinement_makes_consecutive_frames_differ_evenly():
    uniform = unevenness(distances([frame / 149 for frame in range(150)]))
    alphas = fully_refined(sudden, frames=150)
    paced = even_alphas(alphas, distances(alphas), prompts=2, frames=150)
    assert len(alphas) < 150
    assert (len(paced), paced[0], paced[-1]) == (150, 0.0, 1.0)
    assert uniform > 2
    assert unevenness(distances(paced)) < 0.1


def test_a_jump_takes_one_step_and_no_frame_is_spent_inside_it():
    alphas = fully_refined(jump, frames=50)
    paced = even_alphas(alphas, distances(alphas, jump), prompts=2, frames=50)
    changes = sorted(distances(paced, jump))
    assert unevenness(changes[:-1]) < 0.05
    assert sum(abs(alpha - 1 / 3) < 1e-5 for alpha in paced) <= 2


@pytest.mark.parametrize("frames", [4, 9, 150])
def test_every_prompt_has_exactly_one_frame(frames):
    alphas = initial_alphas(3, 9)
    paced = even_alphas(alphas, [5, 4, 0, 0, 0, 0, 0, 1], prompts=3, frames=frames)
    assert len(paced) == frames
    assert [paced.count(prompt) for prompt in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_alphas_ascend_for_any_distances():
    chance = random.Random(7)
    for _ in range(500):
        prompts, frames = chance.randint(2, 6), chance.randint(7, 300)
        alphas = initial_alphas(prompts, chance.randint(prompts, 40))
        for _ in range(chance.randint(0, 8)):
            changes = [chance.choice((0, 1e-9, 1, 100)) for _ in alphas[1:]]
            alphas = tuple(sorted({*alphas, *refined_alphas(alphas, changes, frames=frames, limit=9)}))
        changes = [chance.choice((0, 1e-9, 1, 100)) for _ in alphas[1:]]
        paced = even_alphas(alphas, changes, prompts=prompts, frames=frames)
        assert all(one < other for one, other in itertools.pairwise(paced)), (alphas, changes)
        assert {leg / (prompts - 1) for leg in range(prompts)} <= set(paced)


EIGHTHS = tuple(frame / 8 for frame in range(9))


@pytest.mark.parametrize(
    "alphas",
    [(0.0, 0.25, 0.5, 0.75), (0.25, 0.5, 0.75, 1.0), (0.25, 0.5, 0.75), (0.5, 0.75)],
    ids=["last", "first", "both", "most"],
)
def test_an_unmeasured_end_is_assumed_to_change_like_its_neighbours(alphas):
    assert even_alphas(alphas, [1.0] * (len(alphas) - 1), prompts=2, frames=9) == EIGHTHS


def test_an_unmeasured_end_changes_as_fast_as_the_adjacent_range():
    paced = even_alphas((0.0, 0.5, 0.75), (1.0, 2.0), prompts=2, frames=6)
    assert paced == pytest.approx((0.0, 0.5, 0.625, 0.75, 0.875, 1.0), abs=1e-3)
    paced = even_alphas((0.25, 0.5, 1.0), (2.0, 1.0), prompts=2, frames=6)
    assert paced == pytest.approx((0.0, 0.125, 0.25, 0.375, 0.5, 1.0), abs=1e-3)


def test_a_long_unmeasured_end_changes_as_fast_as_the_measured_range():
    paced = even_alphas((0.8, 0.9, 1.0), (1.0, 3.0), prompts=2, frames=21)
    assert paced[16] == pytest.approx(0.8, abs=1e-3)
    paced = even_alphas((0.0, 0.1, 0.2), (3.0, 1.0), prompts=2, frames=21)
    assert paced[4] == pytest.approx(0.2, abs=2e-3)


def test_a_jump_next_to_an_unmeasured_end_is_not_extrapolated():
    alphas, changes = (0.0, 0.4, 0.749999, 0.75), (0.4, 0.35, 0.1)
    paced = even_alphas(alphas, changes, prompts=2, frames=101)
    assert sum(alpha > 0.75 for alpha in paced) in range(29, 33)


def test_an_unmeasured_end_is_refined_like_any_gap():
    assert refined_alphas((0.0, 0.25, 0.5), (0.0, 1.0), frames=9, limit=9) == (0.375, 0.75)
    assert refined_alphas((0.5, 0.75, 1.0), (1.0, 0.0), frames=9, limit=9) == (0.25, 0.625)


def test_a_thousandth_of_the_distance_is_spread_evenly():
    paced = even_alphas((0.0, 0.5, 1.0), (0.0, 1.0), prompts=2, frames=10_001)
    assert sum(0 < alpha < 0.5 for alpha in paced) == 4


def test_alphas_are_even_if_nothing_changes():
    assert even_alphas((0.0, 1.0), (0.0,), prompts=2, frames=5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert refined_alphas((0.0, 1.0), (0.0,), frames=5, limit=3) == ()
    assert unevenness([0.0, 0.0]) == 0.0


def test_unevenness_is_the_coefficient_of_variation():
    assert unevenness([1.0, 3.0]) == 0.5
