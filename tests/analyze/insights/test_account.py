from __future__ import annotations

import dataclasses
import json

from tests.analyze.insights.curves import ramp, told, two


def test_json_can_hold_the_whole_account() -> None:
    found = told(
        {"shape": two(ramp(20, 5, 15))},
        rgb_change=[None, *[0.1] * 18, 0.5],
        flicker=[None, *[0.0] * 18, None],
        blank=[True, *[False] * 19],
        clip_class=["a"] * 20,
        classifier_label_1=["b"] * 20,
    )
    plain = dataclasses.asdict(found)
    held = json.loads(json.dumps(plain, allow_nan=False))
    assert held["stories"][0]["transitions"][0]["frame"] == found.stories[0].transitions[0].frame
    assert held["agreement"]["rate"] == 0
    assert held["blank"] == [0]
    assert len(held["sentences"]) == 5


def test_a_job_of_which_nothing_was_measured_has_nothing_to_tell() -> None:
    assert told({}).sentences == ()
