"""The insights of a job's page."""

import pytest

from farm.analyze import insights_of
from farm.records import Column
from farm.reduce import read_summary
from farm.results.measurements import Findings
from farm.results.page import page_of
from farm.run import prepare
from farm.store import JobFolder


@pytest.fixture
def page(rendered, write_manifest, tmp_path):
    """The page of a job of 21 frames with a label group "top 3", whose label changes at frame 10."""
    folder = rendered()
    labels = {"clip_top_3_cat": "cat", "clip_top_3_dog": "dog"}
    first = [0.9] * 10 + [0.1] * 11
    curves = dict(zip(labels, (first, [1 - value for value in first]), strict=True))
    columns = tuple(
        Column(name=name, kind="float", unit="probability", group="clip top 3", label=label, description="")
        for name, label in labels.items()
    )
    findings = Findings(columns=columns, curves=curves, insights=insights_of(columns, curves))
    plan = prepare(write_manifest(), output_dir=str(tmp_path), procedural=True).plan
    return page_of(plan, range(21), read_summary(JobFolder(str(folder))), findings)


def test_a_sentence_keeps_the_places_of_its_frames(page):
    (transition,) = (sentence for sentence in page.insights if "becomes" in sentence.text)
    assert transition.text == "Top 3: cat becomes dog at frame 10, suddenly."
    assert (transition.frames, transition.places) == ((10,), (32,))
