import itertools
import math
import random

import pytest

from farm.plan.pacing import EVEN, closer_look, even_alphas, first_look, unevenness


def sudden(alpha):
    """A sudden change at six tenths of the way."""
    return 1 / (1 + math.exp(-60 * (alpha - 0.6)))


def jump(alpha):
    """Slowly on, but for a jump at a third of the way."""
    return alpha / 4 + (alpha > 1 / 3)


def distances(alphas, seen=sudden):
    return [abs(seen(one) - seen(other)) for one, other in itertools.pairwise(alphas)]


def looked_closer(seen, *, frames, rounds=60, most=12):
    """Look closer until nothing is found any more."""
    alphas = first_look(2, 12)
    for _ in range(rounds):
        found = closer_look(alphas, distances(alphas, seen), frames=frames, most=most)
        if not found:
            return alphas
        alphas = tuple(sorted({*alphas, *found}))
    raise AssertionError("it never ended")


def test_a_first_look_meets_every_prompt_and_shares_the_rest_evenly():
    assert first_look(3, 5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert first_look(3, 6) == (0.0, 0.1666667, 0.3333333, 0.5, 0.75, 1.0)
    assert first_look(2, 3) == (0.0, 0.5, 1.0)
    assert first_look(4, 4) == (0.0, 1 / 3, 2 / 3, 1.0)


def test_a_closer_look_parts_what_is_widest_and_the_widest_of_its_parts_again():
    alphas = (0.0, 0.2, 0.5, 1.0)
    assert closer_look(alphas, (0.1, 0.2, 0.7), frames=100, most=1) == (0.75,)
    assert closer_look(alphas, (0.1, 0.2, 0.7), frames=100, most=3) == (0.625, 0.75, 0.875)
    assert closer_look(alphas, (0.1, 0.2, 0.7), frames=100, most=4) == (0.35, 0.625, 0.75, 0.875)


def test_what_holds_no_more_than_two_steps_is_not_looked_into():
    assert EVEN == 2
    assert closer_look((0.0, 0.5, 1.0), (0.5, 0.5), frames=5, most=9) == ()
    assert closer_look((0.0, 0.5, 1.0), (0.4, 0.6), frames=5, most=9) == (0.75,)


def test_looks_that_cost_nothing_more_go_into_the_same_gaps():
    alphas, changes = (0.0, 0.5, 1.0), (0.4, 0.6)
    assert closer_look(alphas, changes, frames=5, most=9, together=3) == (0.625, 0.75, 0.875)
    assert closer_look(alphas, changes, frames=5, most=2, together=3) == (0.6666667, 0.8333333)
    assert closer_look(alphas, (0.5, 0.5), frames=5, most=9, together=3) == ()


def test_a_jump_is_looked_into_until_alphas_are_not_told_apart():
    alphas = looked_closer(jump, frames=100)
    low, high = next(pair for pair in itertools.pairwise(alphas) if pair[1] > 1 / 3)
    assert 1e-6 <= high - low < 3e-6


def test_looking_closer_until_it_is_even_makes_successive_frames_differ_evenly():
    uniform = unevenness(distances([frame / 149 for frame in range(150)]))
    alphas = looked_closer(sudden, frames=150)
    paced = even_alphas(alphas, distances(alphas), prompts=2, frames=150)
    assert len(alphas) < 150
    assert (len(paced), paced[0], paced[-1]) == (150, 0.0, 1.0)
    assert uniform > 2
    assert unevenness(distances(paced)) < 0.1


def test_a_jump_takes_one_step_and_no_frame_is_spent_inside_it():
    alphas = looked_closer(jump, frames=50)
    paced = even_alphas(alphas, distances(alphas, jump), prompts=2, frames=50)
    changes = sorted(distances(paced, jump))
    assert unevenness(changes[:-1]) < 0.05
    assert sum(abs(alpha - 1 / 3) < 1e-5 for alpha in paced) <= 2


@pytest.mark.parametrize("frames", [4, 9, 150])
def test_every_prompt_has_exactly_one_frame(frames):
    alphas = first_look(3, 9)
    paced = even_alphas(alphas, [5, 4, 0, 0, 0, 0, 0, 1], prompts=3, frames=frames)
    assert len(paced) == frames
    assert [paced.count(prompt) for prompt in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_alphas_rise_whatever_was_seen():
    chance = random.Random(7)
    for _ in range(500):
        prompts, frames = chance.randint(2, 6), chance.randint(7, 300)
        alphas = first_look(prompts, chance.randint(prompts, 40))
        for _ in range(chance.randint(0, 8)):
            seen = [chance.choice((0, 1e-9, 1, 100)) for _ in alphas[1:]]
            alphas = tuple(sorted({*alphas, *closer_look(alphas, seen, frames=frames, most=9)}))
        seen = [chance.choice((0, 1e-9, 1, 100)) for _ in alphas[1:]]
        paced = even_alphas(alphas, seen, prompts=prompts, frames=frames)
        assert all(one < other for one, other in itertools.pairwise(paced)), (alphas, seen)
        assert {leg / (prompts - 1) for leg in range(prompts)} <= set(paced)


EIGHTHS = tuple(frame / 8 for frame in range(9))


@pytest.mark.parametrize(
    "alphas",
    [(0.0, 0.25, 0.5, 0.75), (0.25, 0.5, 0.75, 1.0), (0.25, 0.5, 0.75), (0.5, 0.75)],
    ids=["last", "first", "both", "most"],
)
def test_an_end_that_could_not_be_looked_at_is_taken_to_change_as_what_lies_beside_it(alphas):
    assert even_alphas(alphas, [1.0] * (len(alphas) - 1), prompts=2, frames=9) == EIGHTHS


def test_an_end_that_could_not_be_looked_at_goes_on_at_the_pace_of_its_own_side():
    paced = even_alphas((0.0, 0.5, 0.75), (1.0, 2.0), prompts=2, frames=6)
    assert paced == pytest.approx((0.0, 0.5, 0.625, 0.75, 0.875, 1.0), abs=1e-3)
    paced = even_alphas((0.25, 0.5, 1.0), (2.0, 1.0), prompts=2, frames=6)
    assert paced == pytest.approx((0.0, 0.125, 0.25, 0.375, 0.5, 1.0), abs=1e-3)


def test_more_than_could_be_looked_at_is_taken_to_change_at_the_pace_of_all_that_was_seen():
    paced = even_alphas((0.8, 0.9, 1.0), (1.0, 3.0), prompts=2, frames=21)
    assert paced[16] == pytest.approx(0.8, abs=1e-3)
    paced = even_alphas((0.0, 0.1, 0.2), (3.0, 1.0), prompts=2, frames=21)
    assert paced[4] == pytest.approx(0.2, abs=2e-3)


def test_a_jump_beside_an_end_that_could_not_be_looked_at_is_no_pace_to_go_on_with():
    alphas, seen = (0.0, 0.4, 0.749999, 0.75), (0.4, 0.35, 0.1)
    paced = even_alphas(alphas, seen, prompts=2, frames=101)
    assert sum(alpha > 0.75 for alpha in paced) in range(29, 33)


def test_an_end_that_could_not_be_looked_at_is_looked_into_like_any_gap():
    assert closer_look((0.0, 0.25, 0.5), (0.0, 1.0), frames=9, most=9) == (0.375, 0.75)
    assert closer_look((0.5, 0.75, 1.0), (1.0, 0.0), frames=9, most=9) == (0.25, 0.625)


def test_where_nothing_is_seen_to_change_a_thousandth_of_the_frames_is_spread_evenly():
    paced = even_alphas((0.0, 0.5, 1.0), (0.0, 1.0), prompts=2, frames=10_001)
    assert sum(0 < alpha < 0.5 for alpha in paced) == 4


def test_where_nothing_changes_alphas_are_even():
    assert even_alphas((0.0, 1.0), (0.0,), prompts=2, frames=5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert closer_look((0.0, 1.0), (0.0,), frames=5, most=3) == ()
    assert unevenness([0.0, 0.0]) == 0.0


def test_unevenness_is_the_coefficient_of_variation():
    assert unevenness([1.0, 3.0]) == 0.5
