import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.plan.curves import EASINGS, KeyframeCurve, ease, even_keyframes, locate


@pytest.mark.parametrize("name", EASINGS)
def test_easing_keeps_the_ends_and_never_goes_back(name):
    values = [ease(name, step / 100) for step in range(101)]
    assert values[0] == 0.0
    assert values[-1] == 1.0
    assert values == sorted(values)


@given(keys=st.integers(2, 20), spare=st.integers(0, 500))
def test_every_keyframe_has_exactly_one_frame(keys, spare):
    frames = keys + spare
    keyframes = even_keyframes(frames, keys)
    assert keyframes[0] == 0
    assert keyframes[-1] == frames - 1
    assert len(set(keyframes)) == keys


def test_a_frame_is_located_by_segment_and_position():
    assert locate((0, 10, 20), 0) == (0, 0.0)
    assert locate((0, 10, 20), 5) == (0, 0.5)
    assert locate((0, 10, 20), 10) == (1, 0.0)
    assert locate((0, 10, 20), 20) == (1, 1.0)


def test_a_curve_is_linear_between_keyframes_and_constant_outside():
    curve = KeyframeCurve.of({10: 3.0, 20: 9.0})
    assert [curve.at(frame) for frame in (0, 10, 15, 20, 99)] == [3.0, 3.0, 6.0, 9.0, 9.0]
    assert not curve.is_constant
    assert KeyframeCurve.of(7.5).is_constant
    assert KeyframeCurve.of({0: 2.0, 9: 2.0}).is_constant
