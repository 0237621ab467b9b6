from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from farm.analyze.insights.sentences import capital, listed, sentence
from farm.records import Sentence, Value
from tests.analyze.insights.curves import found_in, step


def _texts_at_places(one: Sentence) -> list[str]:
    """Return the texts at the places of a sentence."""
    return [
        one.text[place : place + len(str(frame))] for frame, place in zip(one.frames, one.places, strict=True)
    ]


def test_integer_parts_are_frames_and_their_places_are_recorded() -> None:
    assert sentence("In 3 frames, such as ", 3, " and ", 12, ".") == Sentence(
        text="In 3 frames, such as 3 and 12.", frames=(3, 12), places=(21, 27)
    )
    assert sentence("Nothing.") == Sentence(text="Nothing.", frames=(), places=())


@given(st.lists(st.text(max_size=9) | st.integers(0, 9999), max_size=9))
def test_every_frame_is_at_its_place(parts: list[str | int]) -> None:
    joined = sentence(*parts)
    assert joined.text == "".join(map(str, parts))
    assert _texts_at_places(joined) == [str(part) for part in parts if isinstance(part, int)]


def test_items_are_listed_as_in_a_sentence() -> None:
    assert listed([]) == []
    assert listed([1]) == [1]
    assert listed([1, 2]) == [1, " and ", 2]
    assert listed([1, "two", 3]) == [1, ", ", "two", " and ", 3]


def test_a_sentence_begins_with_a_capital_letter() -> None:
    assert (capital("top 3"), capital("")) == ("Top 3", "")


def test_numbers_in_labels_and_group_names_are_not_frames() -> None:
    labels = {"1 cat": 1 - step(24, 3), "3 cats at frame 3": step(24, 3)}
    found = found_in({"top 3": labels, "count of 3": labels})
    assert [one.text for one in found.sentences] == [
        "Top 3 and count of 3 change together (frame 3).",
        "Top 3: 1 cat becomes 3 cats at frame 3 at frame 3, suddenly.",
        "Count of 3: 1 cat becomes 3 cats at frame 3 at frame 3, suddenly.",
    ]
    assert [one.frames for one in found.sentences] == [(3,), (3,), (3,)]
    assert [one.places for one in found.sentences] == [(44,), (48,), (53,)]


def test_counts_and_classes_are_not_frames() -> None:
    found = found_in({}, clip_class=["2"] * 3, classifier_label_1=["2", "1", "1"])
    assert [(one.text, one.frames, one.places) for one in found.sentences] == [
        ("CLIP and the classifier agree in 1 of 3 frames.", (), ()),
        ("Where they differ, CLIP sees 2 and the classifier 1, in 2 frames, such as frame 1.", (1,), (80,)),
    ]


def test_the_frames_of_every_sentence_are_in_the_order_of_its_text() -> None:
    blank: list[Value] = [frame % 3 == 0 for frame in range(40)]
    change: list[Value] = [None, *[0.1] * 20, 0.5, *[0.1] * 18]
    found = found_in(
        {"shape": {"a": 1 - step(40, 9), "b": step(40, 9)}}, blank=blank, perceptual_change=change
    )
    assert len(found.sentences) == 3
    for one in found.sentences:
        assert one.frames
        assert _texts_at_places(one) == list(map(str, one.frames))
        assert list(one.places) == sorted(one.places)
        assert np.all(np.diff(one.places) > 0)
        assert re.sub(r"\D", "", one.text[one.places[0] :]).startswith(str(one.frames[0]))
