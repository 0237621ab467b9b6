"""Pages of independent pictures: captions, settings, and charts without lines."""

from pathlib import Path

import pytest

from farm.analyze import insights_of
from farm.records import Column
from farm.results.measurements import Findings
from farm.results.page import captions, charts, settings_of
from farm.run import prepare

KIND = "kind: interpolate, prompts: [a, b, c], frames: 21"
SWEEP = "kind: sweep, prompt: a, over: {scheduler: [DDIMScheduler, EulerDiscreteScheduler], guidance_scale: [1.0, 5.0]}"
GRID = "kind: grid, prompts: [a, b, c, d], rows: 2, columns: 3"
STILLS = "kind: stills, prompts: [a, b], seeds: [1, 2]"


@pytest.fixture
def plan_of(write_manifest, tmp_path):
    def plan(kind=KIND, **replaced):
        path = write_manifest(animation=(KIND, kind), **replaced)
        return prepare(path, output_dir=str(tmp_path), procedural=True).plan

    return plan


def measured(plan):
    """Return findings with a change from frame to frame, probabilities, and the top two classes."""
    count = plan.frame_count

    def column(name, group, kind="float", **fields):
        return Column(name=name, kind=kind, group=group, label=name, description="", **fields)

    curves = {
        "rgb_change": [0.1] * count,
        "clip_shape_star": [0.9] * count,
        "clip_shape_top_3": [0.1] * count,
        "classifier_label_1": ["cat"] * count,
        "classifier_probability_1": [0.7] * count,
        "classifier_label_2": ["dog"] * count,
        "classifier_probability_2": [0.2] * count,
    }
    columns = (
        column("rgb_change", "change from frame to frame"),
        column("clip_shape_star", "clip shape", unit="probability"),
        column("clip_shape_top_3", "clip shape", unit="probability"),
        column("classifier_label_1", "", "text"),
        column("classifier_probability_1", "classifier", unit="probability"),
        column("classifier_label_2", "", "text"),
        column("classifier_probability_2", "classifier", unit="probability"),
    )
    return Findings(columns=columns, curves=curves, insights=insights_of(columns, curves))


def test_captions_of_a_sweep_are_its_arguments(plan_of):
    assert captions(plan_of(SWEEP)) == (
        "DDIM, guidance_scale 1",
        "DDIM, guidance_scale 5",
        "EulerDiscrete, guidance_scale 1",
        "EulerDiscrete, guidance_scale 5",
    )


def test_captions_of_a_sweep_over_one_argument_are_its_values(plan_of):
    one = "kind: sweep, prompt: a, over: {guidance_scale: [1.0, 5.0]}"
    assert captions(plan_of(one)) == ("guidance_scale 1", "guidance_scale 5")


def test_captions_of_a_grid_are_row_and_column(plan_of):
    found = captions(plan_of(GRID))
    assert found[:4] == ("row 1, column 1", "row 1, column 2", "row 1, column 3", "row 2, column 1")
    assert len(found) == 6


def test_captions_of_stills_are_seed_and_prompt(plan_of):
    assert captions(plan_of(STILLS)) == ("seed 1: a", "seed 2: a", "seed 1: b", "seed 2: b")


def test_a_long_prompt_is_cut(plan_of):
    (caption,) = captions(plan_of(f"kind: stills, prompts: [{'p' * 1000}], seeds: [1]"))
    assert caption == f"seed 1: {'p' * 151}…"
    assert len(caption) == 160


def test_an_animation_has_no_captions(plan_of):
    assert captions(plan_of()) == ()


def test_the_settings_of_a_sweep_are_all_values_of_its_frames(plan_of):
    settings = dict(settings_of(plan_of(SWEEP)))
    assert settings["scheduler"] == "DDIMScheduler, EulerDiscreteScheduler"
    assert settings["guidance_scale"] == "1.0, 5.0"
    assert settings["num_inference_steps"] == "5"


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (STILLS, ("seeds", "1, 2")),
        ("kind: stills, prompts: [a]", ("seed", "3; frames have seeds derived from it")),
        (SWEEP, ("seed", "3")),
        ("kind: circle, prompt: a, frames: 5, noise: {mode: circle, seeds: [7, 8]}", ("seeds", "7, 8")),
        ("kind: circle, prompt: a, frames: 5", ("seed", "3")),
    ],
)
def test_the_settings_name_the_seeds_that_frames_had(plan_of, kind, seed):
    assert seed in list(settings_of(plan_of(kind)))


@pytest.mark.parametrize("kind", [SWEEP, GRID, STILLS])
def test_charts_of_independent_pictures_are_points_and_none_is_of_changes(plan_of, kind):
    plan = plan_of(kind)
    drawn = list(charts(plan, measured(plan)))
    assert [(chart.title, chart.points) for chart in drawn] == [("CLIP shape", True), ("Classifier", True)]


def test_charts_of_an_animation_are_lines(plan_of):
    plan = plan_of()
    drawn = list(charts(plan, measured(plan)))
    titles = ["Change from frame to frame", "CLIP shape", "Classifier", "Prompts"]
    assert [chart.title for chart in drawn] == titles
    assert not any(chart.points for chart in drawn)


def test_the_chart_of_classes_is_described(plan_of):
    plan = plan_of()
    (chart,) = (chart for chart in charts(plan, measured(plan)) if chart.title == "Classifier")
    assert chart.description == "Each class is drawn where it is among the 2 likeliest."
    assert [curve.label for curve in chart.curves] == ["cat"]


def test_the_page_of_a_rendered_sweep_has_captions(rendered):
    page = Path(rendered(animation=(KIND, SWEEP)), "report.html").read_text()
    assert 'aria-label="Frame 3: EulerDiscrete, guidance_scale 5"' in page
