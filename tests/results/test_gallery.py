"""The gallery of jobs that lie beside each other, as they stand."""

import json
import re

import pytest

from farm.errors import ManifestError, UsageError
from farm.results import build_report
from farm.results.gallery import gallery
from farm.results.inspect import inspect
from farm.rules.load import load
from farm.store import FolderLock, JobFolder, file_name
from tests.tampering import edit_rows


def cards(folder):
    """Return the words on each card of the gallery in a folder, by what its heading says."""
    page = (folder / "index.html").read_text()
    found = re.findall(r'<li class="card".*?</li>', page, flags=re.DOTALL)
    lines = [
        [text.strip() for text in re.split(r"(?:<[^>]*>|\s*\n\s*)+", card) if text.strip()] for card in found
    ]
    return {
        re.search(r'data-name="([^"]*)"', card)[1]: words for card, words in zip(found, lines, strict=True)
    }


def refresh(folder):
    """Return how often the gallery loads itself again."""
    data = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', (folder / "index.html").read_text()
    )
    return json.loads(data[1])["refresh"]


def test_a_job_that_runs_is_running_and_its_page_stands_still(rendered, tmp_path):
    folder = rendered()
    claim = FolderLock(JobFolder(str(folder))).acquire()
    try:
        build_report(str(tmp_path))
    finally:
        claim.release()
    [words] = cards(tmp_path).values()
    assert words == ["job (in job-rehearsal)", "Running", "21 frames"]
    assert refresh(tmp_path) == 0


def test_a_job_that_began_in_this_night_comes_first_and_its_gallery_loads_itself_again(rendered, tmp_path):
    folder = rendered()
    claim = FolderLock(JobFolder(str(folder))).acquire()
    try:
        gallery(str(tmp_path), began={"job": "2026-11-22T05:29:00+00:00"}, refresh_seconds=10)
    finally:
        claim.release()
    [words] = cards(tmp_path).values()
    assert words[-2:] == ["21 frames", "22 Nov 2026, 05:29 UTC"]
    assert refresh(tmp_path) == 10


def test_a_job_whose_run_was_killed_was_interrupted(rendered, tmp_path):
    folder = rendered()
    (folder / "summary.json").unlink()
    build_report(str(tmp_path))
    [words] = cards(tmp_path).values()
    assert "its run ended unexpectedly; run the same command to resume" in words
    assert "Interrupted" in words


def test_frames_that_are_gone_are_not_counted_anywhere(rendered, tmp_path):
    folder = rendered()
    for frame in (3, 4):
        (folder / file_name(frame)).unlink()
    edit_rows(folder, [9], lambda row: row.update(recipe_digest="0" * 64))
    build_report(str(tmp_path))
    build_report(str(folder))
    found = inspect(str(folder))
    [words] = cards(tmp_path).values()
    told = "3 of 21 frames are missing or were changed; run the same command to render them again"
    assert (found.state, found.there) == ("incomplete", 18)
    assert {"18 of 21 frames", "Partly done", told} <= set(words)
    page = (folder / "report.html").read_text()
    assert told in page
    assert re.findall(r'<\w+ class="state" data-state="(\w+)"', page) == ["partial"]
    assert json.loads((folder / "summary.json").read_text())["state"] == "done"


def test_a_folder_of_another_name_than_its_job_is_told_beside_it(rendered, tmp_path):
    rendered().rename(tmp_path / "again")
    build_report(str(tmp_path))
    assert list(cards(tmp_path)) == ["job (in again)"]


def test_a_job_in_the_folder_of_its_name_has_that_name(rendered, tmp_path):
    rendered().rename(tmp_path / "job")
    build_report(str(tmp_path))
    assert list(cards(tmp_path)) == ["job"]


def test_a_manifest_that_was_refused_has_a_card_with_its_first_mistake(write_manifest, tmp_path):
    path = write_manifest(wrong=("seed: 3", "seed: -3\nsede: 4"))
    with pytest.raises(ManifestError) as refused:
        load(path)
    gallery(str(tmp_path / "out"), refused={path: refused.value})
    words = cards(tmp_path / "out")["job.yaml"]
    assert words == [
        "No frames",
        "job.yaml",
        "job.yaml:3:1: seed: found -3; allowed: a whole number from 0 to 9223372036854775807. 1 more mistake.",
        "Refused",
        "0 frames",
        "no report",
    ]


def test_a_job_that_cannot_be_read_says_its_first_mistake(rendered, tmp_path):
    folder = rendered()
    (folder / "manifest.yaml").write_text("version: 1\n")
    build_report(str(tmp_path))
    [words] = cards(tmp_path).values()
    assert "Unreadable" in words
    assert next(word for word in words if word.startswith("manifest.yaml:1:1: ")).endswith(" more mistakes.")


def test_a_file_is_neither_a_job_nor_a_folder_of_jobs(tmp_path):
    (tmp_path / "page.html").write_text("")
    with pytest.raises(UsageError) as told:
        build_report(str(tmp_path / "page.html"))
    assert str(told.value) == (
        f"{tmp_path}/page.html: is a file; give a job's output folder, or a folder of them."
    )


def test_where_there_is_nothing_there_is_no_gallery(tmp_path):
    assert gallery(str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []
