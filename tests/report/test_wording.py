import pytest

from farm.report import FrameSpan
from farm.report.wording import count, date, duration, linked, size, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (1.25, "1.2 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (121.4, "2 min 1 s"),
        (7265, "2 h 1 min"),
    ],
)
def test_a_duration_is_told_in_its_largest_units(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (37_265, "37.3 kB"),
        (3_068_933, "3.07 MB"),
        (999_900, "1 MB"),
        (10**10, "10 GB"),
    ],
)
def test_a_size_is_told_in_decimal_units(number, text):
    assert size(number) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T05:29:00.678950+00:00", "22 Nov 2026, 05:29 UTC"),
        ("2026-11-22T05:29:00+02:00", "22 Nov 2026, 03:29 UTC"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_a_time_of_day_is_told_in_utc(moment, text):
    assert date(moment) == text


def test_one_is_not_many():
    assert (count(1, "frame"), count(1200, "frame")) == ("1 frame", "1,200 frames")


def test_a_span_of_one_frame_is_a_frame():
    assert span(FrameSpan(first=7, last=7, reason="")) == "Frame 7"
    assert span(FrameSpan(first=7, last=12, reason="")) == "Frames 7 to 12"


def test_the_numbers_of_frames_in_a_sentence_become_links():
    assert linked("At frame 61, from 40 to 61.", (61, 40)) == (
        ("At frame ", None),
        ("61", 61),
        (", from ", None),
        ("40", 40),
        (" to ", None),
        ("61", 61),
        (".", None),
    )


@pytest.mark.parametrize("text", ["3.61 of it", "61% of it", "v61", "61.5", "0,61", "161"])
def test_other_numbers_do_not(text):
    assert "".join(piece for piece, _ in linked(text, (61,))) == text
    assert linked(text, (61,))[-1] == ("", 61)
    assert [frame for piece, frame in linked(text, (61,)) if piece] == [None] * (len(linked(text, (61,))) - 1)


def test_frames_that_a_sentence_does_not_name_come_after_it_once():
    assert linked("It jumps.", (5, 5)) == (("It jumps.", None), ("", 5))
