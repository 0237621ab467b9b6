import itertools

from farm.results.measurements import LENGTH, frame_sequences
from tests.frame_sequences import analyzed_frame


def divided(frames):
    return [
        (
            [one.frame for one in sequence.frames],
            sequence.before and sequence.before.frame,
            sequence.after and sequence.after.frame,
        )
        for sequence in frame_sequences(map(analyzed_frame, frames))
    ]


def test_sequences_depend_on_the_frame_index_alone_and_have_neighbours():
    assert LENGTH == 24
    assert divided(range(50)) == [
        (list(range(24)), None, 24),
        (list(range(24, 48)), 23, 48),
        ([48, 49], 47, None),
    ]
    assert divided(range(20, 30)) == [([20, 21, 22, 23], None, 24), ([24, 25, 26, 27, 28, 29], 23, None)]


def test_a_missing_frame_divides_a_sequence_and_is_not_a_neighbour():
    assert divided([0, 1, 3, 4]) == [([0, 1], None, None), ([3, 4], None, None)]
    assert divided([*range(23), 24]) == [(list(range(23)), None, None), ([24], None, None)]


def test_a_sequence_is_yielded_as_soon_as_the_following_frame_is_known():
    requested = []
    frames = (requested.append(frame) or analyzed_frame(frame) for frame in range(100))
    [first] = itertools.islice(frame_sequences(frames), 1)
    assert first.after.frame == requested[-1] == LENGTH


def test_without_frames_there_are_no_sequences():
    assert divided([]) == []
