import threading

import pytest

from farm.reduce import Cancelled, FrameQueue


def taken(queue):
    queue.close()
    return list(queue.in_order())


def test_frames_added_in_any_order_are_taken_in_order():
    queue = FrameQueue(5)
    queue.add([4, 2])
    queue.add([0, 1, 3])
    assert taken(queue) == [0, 1, 2, 3, 4]


def test_a_skipped_frame_is_passed_over():
    queue = FrameQueue(3)
    queue.skip([1])
    queue.add([0, 2])
    assert taken(queue) == [0, 2]


def test_an_available_frame_remains_available_when_it_is_skipped():
    queue = FrameQueue(1)
    queue.add([0])
    queue.skip([0])
    assert taken(queue) == [0]


def test_a_skipped_frame_that_is_added_later_is_available():
    queue = FrameQueue(1)
    queue.skip([0])
    queue.add([0])
    assert taken(queue) == [0]


def test_missing_frames_are_passed_over_at_the_end():
    queue = FrameQueue(4)
    queue.add([1, 3])
    assert taken(queue) == [1, 3]


def test_taking_waits_for_the_next_frame():
    queue = FrameQueue(2)
    order = queue.in_order()
    threading.Timer(0.05, queue.add, [[0]]).start()
    assert next(order) == 0


def test_cancelling_wakes_the_taking_thread():
    queue = FrameQueue(1)
    threading.Timer(0.05, queue.cancel).start()
    with pytest.raises(Cancelled):
        next(queue.in_order())


def test_many_threads_may_add_at_once():
    queue = FrameQueue(8000)
    threads = [threading.Thread(target=queue.add, args=[range(part, 8000, 8)]) for part in range(8)]
    for thread in threads:
        thread.start()
    assert list(queue.in_order()) == list(range(8000))


@pytest.mark.parametrize("frame", [-1, 3])
def test_a_frame_of_another_job_is_refused(frame):
    with pytest.raises(IndexError, match=f"^no frame {frame} in a job of 3$"):
        FrameQueue(3).add([frame])
