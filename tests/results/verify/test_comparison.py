import dataclasses
import json

import numpy as np
import pytest

from farm.results import Difference, EnvironmentChange, Verdict
from farm.results.verify_frames import Evidence, FileContent, changes, classify, staleness
from farm.run import prepare
from tests.rows import row_of

ROW = row_of(7)
INTACT = FileContent(file_sha256="f" * 64, content_sha256="c" * 64, width=48, height=64)
AGAIN = row_of(7)
OTHER = row_of(7, content_sha256="e" * 64)
NEAR = Difference(max=1, mean=0.25, psnr=54.2)

TABLE = {
    "the same pixels": ({"row": ROW, "content": INTACT, "again": AGAIN}, Verdict.IDENTICAL, ""),
    "other pixels": ({"row": ROW, "content": INTACT, "again": OTHER}, Verdict.DIFFERS, ""),
    "no row": ({"row": None}, Verdict.MISSING, "not in the ledger"),
    "no file": ({"row": ROW}, Verdict.MISSING, "its file is missing"),
    "another recipe": ({"row": ROW, "stale": "it changed"}, Verdict.OTHER_RECIPE, "it changed"),
    "another recipe, and intact": (
        {"row": ROW, "stale": "it changed", "content": INTACT, "again": AGAIN},
        Verdict.OTHER_RECIPE,
        "it changed",
    ),
    "not a picture": (
        {"row": ROW, "content": FileContent(problem="cut"), "again": AGAIN},
        Verdict.ALTERED,
        "cut",
    ),
    "another file of the same pixels": (
        {"row": ROW, "content": dataclasses.replace(INTACT, file_sha256="a"), "again": AGAIN},
        Verdict.ALTERED,
        "its file was changed, its pixels were not",
    ),
    "another file of other pixels": (
        {
            "row": ROW,
            "content": dataclasses.replace(INTACT, file_sha256="a", content_sha256="b"),
            "again": AGAIN,
        },
        Verdict.ALTERED,
        "its pixels were changed",
    ),
    "another size": (
        {
            "row": ROW,
            "content": FileContent(file_sha256="a", content_sha256="b", width=8, height=9),
            "again": AGAIN,
        },
        Verdict.ALTERED,
        "its file has 8x9 pixels, not 48x64",
    ),
    "a changed row": (
        {"row": OTHER, "content": INTACT, "again": AGAIN},
        Verdict.ALTERED,
        "its ledger row was changed: it describes other pixels than the file contains; remove the file",
    ),
    "not rendered": (
        {"row": ROW, "content": INTACT, "failure": "poison"},
        Verdict.FAILED,
        "poison",
    ),
    "altered, and not rendered": (
        {"row": ROW, "content": FileContent(problem="cut"), "failure": "poison"},
        Verdict.ALTERED,
        "cut",
    ),
}


@pytest.mark.parametrize(("evidence", "verdict", "reason"), TABLE.values(), ids=TABLE.keys())
def test_the_verdict_follows_from_the_evidence(evidence, verdict, reason):
    found = classify(Evidence(frame=7, **evidence))
    assert (found.first, found.last, found.verdict, found.reason) == (7, 7, verdict, reason)


def test_the_finding_on_an_altered_file_says_whether_its_pixels_are_as_recorded():
    def pixels_as_recorded(**content):
        return classify(
            Evidence(frame=7, row=ROW, content=FileContent(**content), again=AGAIN)
        ).pixels_as_recorded

    assert pixels_as_recorded(file_sha256="a", content_sha256="c" * 64) is True
    assert pixels_as_recorded(file_sha256="a", content_sha256="b") is False
    assert pixels_as_recorded(problem="cut") is None


def test_a_frame_that_differs_has_its_difference_changes_and_nodes():
    again = dataclasses.replace(OTHER, environment='{"torch": "2.13.0"}', node="beta")
    row = dataclasses.replace(ROW, environment='{"torch": "2.12.0"}')
    found = classify(Evidence(frame=7, row=row, content=INTACT, again=again, difference=NEAR))
    assert found.difference is NEAR
    assert found.changes == (EnvironmentChange(key="torch", recorded="2.12.0", now="2.13.0"),)
    assert found.nodes == ("host", "beta")
    assert str(found.changes[0]) == "torch 2.12.0 -> 2.13.0"


def test_environments_are_compared_key_by_key_including_nested_and_missing_keys():
    then = row_of(
        0, device="cpu", environment=json.dumps({"a": {"b": 1, "c": True}, "removed": "x", "same": 2})
    )
    now = row_of(
        0,
        device="cuda (NVIDIA H100)",
        environment=json.dumps({"a": {"b": 2, "c": True}, "new": None, "same": 2}),
        frames_per_call=1,
    )
    assert [str(change) for change in changes(then, now)] == [
        "a.b 1 -> 2",
        "device cpu -> cuda (NVIDIA H100)",
        "frames_per_call 3 -> 1",
        "new unrecorded -> null",
        "removed x -> unrecorded",
    ]


@pytest.mark.parametrize("environment", ["", "{", "[]", "null"])
def test_an_environment_that_is_not_an_object_is_ignored(environment):
    assert [str(change) for change in changes(row_of(0, environment=environment), row_of(0))] == []


def test_the_device_named_in_the_environment_counts_once():
    then, now = (
        row_of(0, device=name, environment=json.dumps({"device": name})) for name in ("cpu", "cuda (A)")
    )
    assert [str(change) for change in changes(then, now)] == ["device cpu -> cuda (A)"]


def test_a_difference_is_measured_in_levels_and_decibels():
    first = np.zeros((2, 2, 3), np.uint8)
    second = first.copy()
    second[0, 0] = [3, 0, 9]
    difference = Difference.between(first, second)
    assert (difference.max, difference.mean) == (9, 1.0)
    assert difference.psnr == pytest.approx(10 * np.log10(255**2 / (90 / 12)))
    assert Difference.between(second, first) == difference
    assert Difference.between(first, np.full_like(first, 255)) == Difference(max=255, mean=255.0, psnr=0.0)


def test_equal_pictures_have_no_psnr_and_pictures_of_two_sizes_no_difference():
    picture = np.full((4, 4, 3), 7, np.uint8)
    assert Difference.between(picture, picture) == Difference(max=0, mean=0.0, psnr=None)
    assert Difference.between(picture, picture[:2]) is None


def test_staleness_names_a_change_of_the_recipe_the_model_or_both(write_manifest, tmp_path):
    plan = prepare(write_manifest(), output_dir=str(tmp_path), procedural=True).plan
    retrained = dataclasses.replace(plan, renderer_digest="another")
    edited = dataclasses.replace(plan, arguments={**plan.arguments, "num_inference_steps": 6})
    both = dataclasses.replace(edited, renderer_digest="another")
    row = row_of(5, recipe_digest=plan.frame(5).digest, renderer_digest=plan.renderer_digest)
    assert [staleness(each, row) for each in (plan, retrained, edited, both)] == [
        "",
        "the model changed since",
        "its recipe changed since",
        "its recipe and the model changed since",
    ]
