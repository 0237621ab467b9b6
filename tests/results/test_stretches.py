import itertools

from farm.results.measurements import LENGTH, stretches
from tests.stretched import shown


def cut(frames):
    return [
        (
            [one.frame for one in stretch.frames],
            stretch.before and stretch.before.frame,
            stretch.after and stretch.after.frame,
        )
        for stretch in stretches(map(shown, frames))
    ]


def test_frames_are_cut_by_their_index_alone_with_their_neighbours():
    assert LENGTH == 24
    assert cut(range(50)) == [
        (list(range(24)), None, 24),
        (list(range(24, 48)), 23, 48),
        ([48, 49], 47, None),
    ]
    assert cut(range(20, 30)) == [([20, 21, 22, 23], None, 24), ([24, 25, 26, 27, 28, 29], 23, None)]


def test_a_missing_frame_parts_a_stretch_and_is_nobodys_neighbour():
    assert cut([0, 1, 3, 4]) == [([0, 1], None, None), ([3, 4], None, None)]
    assert cut([*range(23), 24]) == [(list(range(23)), None, None), ([24], None, None)]


def test_a_stretch_comes_as_soon_as_the_frame_after_it_is_known():
    asked = []
    frames = (asked.append(frame) or shown(frame) for frame in range(100))
    [first] = itertools.islice(stretches(frames), 1)
    assert first.after.frame == asked[-1] == LENGTH


def test_no_frame_is_no_stretch():
    assert cut([]) == []
