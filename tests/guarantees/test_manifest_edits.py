"""An edited manifest renders only changed frames, which `farm plan` lists beforehand with reasons."""

import json

import pytest
from typer.testing import CliRunner

from farm.cli.app import app
from farm.execute import InlineExecutor
from farm.results import exit_code
from farm.run import render
from tests.guarantees.faults import Faulty
from tests.guarantees.films import prepare_film, write_film
from tests.guarantees.undisturbed import assert_undisturbed

FIVE, OTHER_THIRD = "[a, b, c, d, e]", "[a, b, other, d, e]"
KEPT, NEW, CHANGED = "already rendered", "not rendered yet", "its recipe changed"


@pytest.fixture
def edit(tmp_path, diary):
    """Render one manifest, then its edited version; return the plan's output and the rendered chunks."""

    def run(path):
        diary.path.unlink(missing_ok=True)
        job = prepare_film(path)
        with InlineExecutor(open_renderer=Faulty(diary)) as executor:
            [summary] = render([job], executor, lambda event: None)
        assert_undisturbed(job, exit_code([summary]), diary=diary)

    def edited(before, after):
        run(write_film(tmp_path, **before))
        path = write_film(tmp_path, **after)
        options = ["--procedural", "--json", f"--output-dir={tmp_path}/out"]
        planned = CliRunner().invoke(app, ["plan", str(path), *options])
        assert planned.exit_code == 0, planned.output
        planned_work = json.loads(planned.stdout)
        run(path)
        calls = diary.calls()
        assert set(calls.values()) <= {1}
        assert planned_work["model_calls"] == len(calls)
        ranges = [(part["first"], part["last"], part["why"]) for part in planned_work["ranges"]]
        return ranges, sorted(frame for chunk in calls for frame in chunk)

    return edited


def test_another_frame_rate_renders_nothing(edit):
    ranges, rendered = edit({"fps": 10}, {"fps": 25})
    assert ranges == [(0, 23, KEPT)]
    assert rendered == []


def test_changing_the_third_of_five_prompts_renders_only_affected_frames(edit):
    five = {"frames": 41, "batch_size": 1}
    ranges, rendered = edit(five | {"prompts": FIVE}, five | {"prompts": OTHER_THIRD})
    assert ranges == [(0, 10, KEPT), (11, 29, CHANGED), (30, 40, KEPT)]
    assert rendered == list(range(11, 30))


def test_an_affected_frame_renders_its_entire_chunk(edit):
    five = {"frames": 41, "batch_size": 4}
    ranges, rendered = edit(five | {"prompts": FIVE}, five | {"prompts": OTHER_THIRD})
    assert ranges == [(0, 10, KEPT), (11, 29, CHANGED), (30, 40, KEPT)]
    assert rendered == list(range(8, 32))


def test_another_seed_renders_all_frames(edit):
    ranges, rendered = edit({"seed": 3}, {"seed": 4})
    assert ranges == [(0, 23, CHANGED)]
    assert rendered == list(range(24))


def test_another_batch_size_renders_all_frames(edit):
    ranges, rendered = edit({"batch_size": 2}, {"batch_size": 3})
    assert ranges == [(0, 23, CHANGED)]
    assert rendered == list(range(24))


def test_added_frames_are_rendered_and_the_others_are_kept(edit):
    grown = {"frames": 17, "prompts": "{0: a, 8: b, 16: c}"}
    ranges, rendered = edit(
        {"frames": 9, "prompts": "{0: a, 8: b}", "batch_size": 4}, grown | {"batch_size": 4}
    )
    assert ranges == [(0, 8, KEPT), (9, 16, NEW)]
    assert rendered == list(range(8, 17))


def test_frames_added_between_the_prompts_change_the_others(edit):
    two = {"prompts": "[a, b]", "batch_size": 1}
    ranges, rendered = edit(two | {"frames": 9}, two | {"frames": 12})
    assert ranges == [(0, 0, KEPT), (1, 8, CHANGED), (9, 11, NEW)]
    assert rendered == list(range(1, 12))


def test_reverting_an_edit_renders_its_frames_again(edit):
    five = {"frames": 41, "batch_size": 1}
    edit(five | {"prompts": FIVE}, five | {"prompts": OTHER_THIRD})
    ranges, _ = edit(five | {"prompts": OTHER_THIRD}, five | {"prompts": FIVE})
    assert ranges == [(0, 10, KEPT), (11, 29, CHANGED), (30, 40, KEPT)]
