"""The gallery of the jobs in a folder, in their current states."""

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
    """Return the texts of each card of the gallery in a folder, by the name of the job."""
    page = (folder / "index.html").read_text()
    found = re.findall(r'<li class="card".*?</li>', page, flags=re.DOTALL)
    lines = [
        [text.strip() for text in re.split(r"(?:<[^>]*>|\s*\n\s*)+", card) if text.strip()] for card in found
    ]
    return {
        re.search(r'data-name="([^"]*)"', card)[1]: words for card, words in zip(found, lines, strict=True)
    }


def refresh(folder):
    """Return the seconds after which the gallery reloads itself, 0 for never."""
    data = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', (folder / "index.html").read_text()
    )
    return json.loads(data[1])["refresh"]


def test_the_card_of_a_running_job_says_so_and_the_gallery_does_not_reload(rendered, tmp_path):
    folder = rendered()
    lock = FolderLock(JobFolder(str(folder))).acquire()
    try:
        build_report(str(tmp_path))
    finally:
        lock.release()
    [words] = cards(tmp_path).values()
    assert words == ["job (in job-rehearsal)", "Running", "21 frames"]
    assert refresh(tmp_path) == 0


def test_a_job_of_the_current_run_has_its_start_time_and_the_gallery_reloads(rendered, tmp_path):
    folder = rendered()
    lock = FolderLock(JobFolder(str(folder))).acquire()
    try:
        gallery(str(tmp_path), began={"job": "2026-11-22T05:29:00+00:00"}, refresh_seconds=10)
    finally:
        lock.release()
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


def test_missing_and_changed_frames_are_not_counted(rendered, tmp_path):
    folder = rendered()
    for frame in (3, 4):
        (folder / file_name(frame)).unlink()
    edit_rows(folder, [9], lambda row: row.update(recipe_digest="0" * 64))
    build_report(str(tmp_path))
    build_report(str(folder))
    found = inspect(str(folder))
    [words] = cards(tmp_path).values()
    error = "3 of 21 frames are missing or were changed; run the same command to render them again"
    assert (found.state, found.there) == ("incomplete", 18)
    assert {"18 of 21 frames", "Partly done", error} <= set(words)
    page = (folder / "report.html").read_text()
    assert error in page
    assert re.findall(r'<\w+ class="state" data-state="(\w+)"', page) == ["partial"]
    assert json.loads((folder / "summary.json").read_text())["state"] == "done"


def test_the_card_of_a_renamed_folder_has_both_names(rendered, tmp_path):
    rendered().rename(tmp_path / "again")
    build_report(str(tmp_path))
    assert list(cards(tmp_path)) == ["job (in again)"]


def test_the_card_of_a_job_in_a_folder_of_its_name_has_one_name(rendered, tmp_path):
    rendered().rename(tmp_path / "job")
    build_report(str(tmp_path))
    assert list(cards(tmp_path)) == ["job"]


def test_a_refused_manifest_has_a_card_with_its_first_mistake(write_manifest, tmp_path):
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


def test_the_card_of_an_unreadable_job_has_its_first_mistake(rendered, tmp_path):
    folder = rendered()
    (folder / "manifest.yaml").write_text("version: 1\n")
    build_report(str(tmp_path))
    [words] = cards(tmp_path).values()
    assert "Unreadable" in words
    assert next(word for word in words if word.startswith("manifest.yaml:1:1: ")).endswith(" more mistakes.")


def test_a_file_is_neither_a_job_nor_a_folder_of_jobs(tmp_path):
    (tmp_path / "page.html").write_text("")
    with pytest.raises(UsageError) as raised:
        build_report(str(tmp_path / "page.html"))
    assert str(raised.value) == (
        f"{tmp_path}/page.html: is a file; needed: a job's output folder, or a folder of jobs."
    )


def test_an_empty_folder_gets_no_gallery(tmp_path):
    assert gallery(str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []
