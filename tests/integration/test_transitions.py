"""The insights about a transition, compared with measures independent of CLIP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exhaustive import sample
from tests.integration.transitions import PAIRS, Pair, compare_transitions

SHORT, LONG = (24, 8), (60, 25)  # frames, steps
ONE_OF_EACH_KIND = list({pair.changes: pair for pair in PAIRS}.values())


def name(pair: Pair) -> str:
    return f"{pair.changes}-{getattr(pair, pair.changes)}-{pair.becomes}"


@pytest.mark.slow
@pytest.mark.parametrize(("frames", "steps"), sample([SHORT, LONG], of=[SHORT]))
@pytest.mark.parametrize("pair", sample(PAIRS, of=ONE_OF_EACH_KIND, ids=name))
def test_insights_name_the_changing_group_at_the_frame_of_another_measure(
    pair: Pair, frames: int, steps: int, tmp_path: Path
) -> None:
    groups, transitions = compare_transitions(pair, tmp_path, frames=frames, steps=steps)
    assert groups == [pair.changes]
    assert (transitions[0].before, transitions[-1].after) == (getattr(pair, pair.changes), pair.becomes)
    far = [one for one in transitions if abs(one.frame - one.flip) > frames // 20]
    assert not far, f"more than {frames // 20} frames from where the ResNet or the colours change"
