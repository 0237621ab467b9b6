import dataclasses

import pytest

from farm.records import Column
from farm.store import JobFolder, Measurements, active_measurements, deactivate_measurements
from tests.frame_sequences import analyzed_frame, frame_sequence

COLUMNS = (
    Column(name="change", kind="float", description="what changes", unit="1", group="change", label="RGB"),
    Column(name="label", kind="text", description="what it is"),
)
VALUES = ({"change": None, "label": "star"}, {"change": 0.125, "label": "heart"})


@pytest.fixture
def folder(tmp_path):
    return JobFolder(str(tmp_path))


@pytest.fixture
def kept(folder):
    measurements = Measurements(folder, "a" * 64, COLUMNS)
    measurements.write(frame_sequence(0, 1, after=True), VALUES)
    return measurements


def test_measured_values_are_found_again(kept):
    assert kept.find(frame_sequence(0, 1, after=True)) == VALUES


@pytest.mark.parametrize(
    "other",
    [
        frame_sequence(0, 1),
        frame_sequence(0, 2, after=True),
        dataclasses.replace(frame_sequence(0, 1, after=True), after=analyzed_frame(2, content="another")),
        dataclasses.replace(
            frame_sequence(0, 1, after=True), frames=(analyzed_frame(0), analyzed_frame(1, content="another"))
        ),
        dataclasses.replace(
            frame_sequence(0, 1, after=True),
            frames=(analyzed_frame(0), analyzed_frame(1, prompts=("a", "c"))),
        ),
    ],
    ids=["other neighbours", "more frames", "a neighbour's pixels", "a frame's pixels", "a frame's prompts"],
)
def test_values_of_other_frames_do_not_count(kept, other):
    assert kept.find(other) is None


def test_values_of_another_analysis_do_not_count(kept, folder):
    assert Measurements(folder, "b" * 64, COLUMNS).find(frame_sequence(0, 1, after=True)) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"values": []}'])
def test_damaged_values_count_as_not_measured(kept, folder, content):
    [name] = folder.names(f".farm/analysis/{'a' * 16}")
    folder.write(f".farm/analysis/{'a' * 16}/{name}", content)
    assert kept.find(frame_sequence(0, 1, after=True)) is None


def test_the_folder_records_which_measurements_are_active(kept, folder):
    assert active_measurements(folder) is None
    kept.activate()
    found = active_measurements(folder)
    assert found.columns == COLUMNS
    assert found.find(frame_sequence(0, 1, after=True)) == VALUES
    deactivate_measurements(folder)
    assert active_measurements(folder) is None
    assert kept.find(frame_sequence(0, 1, after=True)) == VALUES


def test_a_damaged_record_of_active_measurements_counts_as_none(kept, folder):
    kept.activate()
    folder.write(".farm/analysis/columns.json", b'{"analysis": "x", "columns": [{"name": "change"}]}')
    assert active_measurements(folder) is None
