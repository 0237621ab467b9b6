import numpy as np
import pytest
from PIL import Image

from farm.reduce.mosaic import Lettering

LETTERING = Lettering(13)
PAPER = (250, 250, 250)


def inked(text, size, align="left"):
    canvas = Image.new("RGB", size, PAPER)
    LETTERING.draw(canvas, text, (0, 0, *size), align)
    rows, columns = np.nonzero((np.asarray(canvas) != PAPER).any(axis=-1))
    return rows, columns


def test_lines_break_between_words():
    assert LETTERING.wrapped("a bowl of fruit", 50) == "a bowl\nof fruit"


def test_a_word_that_is_too_wide_is_not_broken():
    assert LETTERING.wrapped("num_inference_steps", 20) == "num_inference_steps"


def test_a_value_stays_with_its_equals_sign():
    assert LETTERING.wrapped("guidance_scale = 7.5", 64) == "guidance_scale\n= 7.5"


def test_line_feeds_and_runs_of_spaces_are_single_spaces():
    assert LETTERING.wrapped(" a\n  dog ", 200) == "a dog"


def test_an_empty_text_has_no_size():
    assert LETTERING.size("") == (0, 0)
    assert LETTERING.largest([]) == (0, 0)


@pytest.mark.parametrize("text", ["guidance_scale = 7.5", "jgpqy\nQWM", "0"])
def test_a_text_fits_in_its_measured_size(text):
    width, height = LETTERING.size(text)
    rows, columns = inked(text, (width + 40, height + 40))
    assert columns.max() < width
    assert rows.max() - rows.min() <= height


@pytest.mark.parametrize(("align", "middle"), [("left", 20), ("center", 150), ("right", 280)])
def test_a_text_is_aligned_in_its_box(align, middle):
    _, columns = inked("word", (300, 30), align)
    assert abs((columns.min() + columns.max()) / 2 - middle) < 8


def test_an_extremely_long_word_is_broken():
    assert LETTERING.wrapped("a" * 90, 20) == "\n".join(["a" * 40, "a" * 40, "a" * 10])
