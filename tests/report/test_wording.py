import pytest

from farm.records import Sentence
from farm.report import FrameSpan
from farm.report.wording import count, date, linked, percent, span


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T05:29:00.678950+00:00", "22 Nov 2026, 05:29 UTC"),
        ("2026-11-22T05:29:00+02:00", "22 Nov 2026, 03:29 UTC"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_times_are_in_utc(moment, text):
    assert date(moment) == text


def test_counts_have_a_singular_and_a_plural():
    assert (count(1, "frame"), count(1200, "frame")) == ("1 frame", "1,200 frames")


def test_a_span_of_one_frame_is_named_in_the_singular():
    assert span(FrameSpan(first=7, last=7, reason="")) == "Frame 7"
    assert span(FrameSpan(first=7, last=12, reason="")) == "Frames 7 to 12"


def test_a_sentence_links_frames_only_at_their_places():
    sentence = Sentence(text="Top 3: frame 1 becomes 3 at frame 3.", frames=(1, 3), places=(13, 34))
    assert linked(sentence) == (
        ("Top 3: frame ", None),
        ("1", 1),
        (" becomes 3 at frame ", None),
        ("3", 3),
        (".", None),
    )


def test_a_sentence_without_places_links_nothing():
    assert linked(Sentence(text="It turns at frame 7.", frames=(7,))) == (("It turns at frame 7.", None),)


@pytest.mark.parametrize("places", [(3,), (-1,), (99,), (8, 8)])
def test_a_place_without_its_frame_has_no_link(places):
    pieces = linked(Sentence(text="At frame 61.", frames=(61, 1), places=places))
    assert "".join(text for text, _ in pieces) == "At frame 61."
    assert all(frame is None for _, frame in pieces)


@pytest.mark.parametrize(("value", "text"), [(0.0, "0%"), (0.1234, "12.3%"), (0.999, "99.9%"), (1.0, "100%")])
def test_a_share_is_a_percentage(value, text):
    assert percent(value) == text
