from __future__ import annotations

import dataclasses
import json

from tests.analyze.insights.curves import found_in, ramp, two


def test_insights_can_be_written_as_json() -> None:
    found = found_in(
        {"shape": two(ramp(20, 5, 15))},
        rgb_change=[None, *[0.1] * 18, 0.5],
        flicker=[None, *[0.0] * 18, None],
        blank=[True, *[False] * 19],
        clip_class=["a"] * 20,
        classifier_label_1=["b"] * 20,
    )
    plain = dataclasses.asdict(found)
    read = json.loads(json.dumps(plain, allow_nan=False))
    assert read["stories"][0]["transitions"][0]["frame"] == found.stories[0].transitions[0].frame
    assert read["agreement"]["rate"] == 0
    assert read["blank"] == [0]
    assert len(read["sentences"]) == 5


def test_a_job_without_measurements_has_no_insights() -> None:
    assert found_in({}).sentences == ()
