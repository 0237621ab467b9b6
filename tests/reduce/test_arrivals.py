import threading

import pytest

from farm.reduce import Arrivals, Cancelled


def taken(arrivals):
    arrivals.complete()
    return list(arrivals.in_order())


def test_frames_that_came_in_any_order_are_taken_in_theirs():
    arrivals = Arrivals(5)
    arrivals.add([4, 2])
    arrivals.add([0, 1, 3])
    assert taken(arrivals) == [0, 1, 2, 3, 4]


def test_a_skipped_frame_is_passed_over():
    arrivals = Arrivals(3)
    arrivals.skip([1])
    arrivals.add([0, 2])
    assert taken(arrivals) == [0, 2]


def test_a_frame_that_is_there_stays_there_when_it_is_skipped():
    arrivals = Arrivals(1)
    arrivals.add([0])
    arrivals.skip([0])
    assert taken(arrivals) == [0]


def test_a_skipped_frame_that_comes_after_all_is_there():
    arrivals = Arrivals(1)
    arrivals.skip([0])
    arrivals.add([0])
    assert taken(arrivals) == [0]


def test_what_never_came_is_passed_over_at_the_end():
    arrivals = Arrivals(4)
    arrivals.add([1, 3])
    assert taken(arrivals) == [1, 3]


def test_taking_waits_for_the_next_frame():
    arrivals = Arrivals(2)
    order = arrivals.in_order()
    threading.Timer(0.05, arrivals.add, [[0]]).start()
    assert next(order) == 0


def test_cancelling_wakes_the_taking_thread():
    arrivals = Arrivals(1)
    threading.Timer(0.05, arrivals.cancel).start()
    with pytest.raises(Cancelled):
        next(arrivals.in_order())


def test_many_threads_may_add_at_once():
    arrivals = Arrivals(8000)
    threads = [threading.Thread(target=arrivals.add, args=[range(part, 8000, 8)]) for part in range(8)]
    for thread in threads:
        thread.start()
    assert list(arrivals.in_order()) == list(range(8000))


@pytest.mark.parametrize("frame", [-1, 3])
def test_a_frame_of_another_job_is_refused(frame):
    with pytest.raises(IndexError, match=f"^frame {frame} is none of the job's 3$"):
        Arrivals(3).add([frame])
