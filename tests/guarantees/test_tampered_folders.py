"""With any content of a job's folder, a command does its work or ends with an error of the farm."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farm.errors import FarmError, StorageError
from farm.inputs.pictures.record import recorded_pictures
from farm.results import build_report
from farm.results import gallery as gallery_module
from farm.results.inspect import inspect
from farm.run import prepare, render
from farm.store import JobFolder, Ledger
from tests.guarantees import tampered
from tests.guarantees.tampered import COMMANDS, DAMAGES, NAME, RECORDS, VALUES

EXAMPLES = int(os.environ.get("FARM_TAMPERED_EXAMPLES", "15"))
"""The number of changes to try; 1,000 take about ten minutes of one core."""

CASES = (
    ("report", ".farm/analysis/columns.json", ("columns", 0, "name"), {"a": {"b": 1}}),
    ("report", "summary.json", ("environments", 0, "frames"), "x"),
    ("inspect", ".farm/analysis/columns.json", ("columns", 0, "label"), -0.5),
    ("inspect", ".farm/analysis/columns.json", ("analysis",), "\ud800"),
    ("inspect", ".farm/analysis/*/frame*.json", ("values", 0, "flicker"), "x"),
    ("inspect", ".farm/ledger/frame000002-000003.jsonl", ("render_seconds",), [1]),
    ("plan", ".farm/ledger/frame000002-000003.jsonl", ("environment",), tampered.DEEP),
    ("plan", ".farm/pacing.json", ("alphas", 0), 1e308),
    ("assemble", ".farm/ledger/frame000002-000003.jsonl", ("rendered_at",), "0001-01-01T00:00:00+23:59"),
    ("assemble", ".farm/ledger/frame000002-000003.jsonl", ("frame",), "2026"),
    ("assemble", ".farm/analysis/*/frame*.json", ("values", 0, "blank"), "\ud800"),
    ("gallery", ".farm/claim.json", ("pid",), 10**30),
    ("gallery", "summary.json", ("started_at",), 7),
    ("verify", ".farm/pictures.json", ("*", "files", 0, "width"), [[]]),
    ("verify", ".farm/ledger/frame000002-000003.jsonl", ("frames_per_call",), 0),
    ("compare", ".farm/ledger/frame000002-000003.jsonl", ("device",), 1.5),
    ("analyze", "summary.json", ("frames", "rendered"), None),
    ("open", "summary.json", ("analysis",), {"sentences": [3]}),
    ("render", ".farm/ledger/frame000002-000003.jsonl", ("environment",), float("inf")),
)
"""Changes that once ended these commands with a traceback."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tampered.make_job(tmp_path_factory.mktemp("made") / "job")


@pytest.fixture
def out(made, tmp_path, monkeypatch):
    """The folder of an untouched copy of the job, which may be tampered with."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tampered.copy_of(made, tmp_path / "copy")


def run(command, out):
    """Run a command, which may refuse the folder, and nothing else."""
    with contextlib.suppress(FarmError):
        COMMANDS[command](out)


@pytest.mark.parametrize(
    ("command", "record", "place", "value"), CASES, ids=[f"{case[:3]}" for case in CASES]
)
def test_earlier_faults_stay_fixed(command, record, place, value, out):
    tampered.change_record(out / NAME, record, place, value)
    run(command, out)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FARM_TAMPERED_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(
    record=st.sampled_from(RECORDS),
    which=st.integers(0, 10**6),
    value=st.sampled_from(VALUES),
    how=st.sampled_from(["replace", "replace", "replace", "remove", "rename", "repeat"]),
    command=st.sampled_from(sorted(COMMANDS)),
)
def test_a_changed_value_ends_a_command_only_with_an_error_of_the_farm(
    made, tmp_path_factory, record, which, value, how, command
):
    out = tampered.copy_of(made, tmp_path_factory.mktemp("case") / "copy")
    try:
        tampered.tamper_record(out / NAME, record, which, value, how)
        run(command, out)
    finally:
        shutil.rmtree(out.parent)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_all_records_at_once_ends_neither_inspect_nor_plan(damage, out, caplog):
    for name in RECORDS:
        tampered.damage_file(out / NAME, name, damage)
    with caplog.at_level(logging.ERROR):
        run("inspect", out)
        run("plan", out)
        run("gallery", out)
    assert "unexpected error" not in caplog.text
    assert (out / "index.html").exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_other_files_ends_no_command(damage, out):
    for name in (
        "report.html",
        "preview.webp",
        "metadata.parquet",
        "frames/frame000003.png",
        "manifest.yaml",
    ):
        tampered.damage_file(out / NAME, name, damage)
        run("open", out)
    for command in ("inspect", "gallery"):
        run(command, out)


def test_a_hostile_folder_costs_its_own_card_only(out, monkeypatch, caplog):
    for damage in ("deep", "fifo", "many", "folder", "binary"):
        shutil.copytree(out / NAME, out / damage)
        for name in (*RECORDS, "preview.webp", "manifest.yaml"):
            tampered.damage_file(out / damage, name, damage)
    shutil.copytree(out / NAME, out / "unforeseen")
    entry = gallery_module._entry

    def recurse(url, name, began):
        return recurse(url, name, began) if name == "unforeseen" else entry(url, name, began)

    monkeypatch.setattr(gallery_module, "_entry", recurse)
    build_report(str(out))
    page = (out / "index.html").read_text()
    cards = dict(
        re.findall(r'<li class="card".*?data-name="([^"]*)".*?data-state="([^"]*)"', page, re.DOTALL)
    )
    assert {name.split(" ")[-1].strip(")"): state for name, state in cards.items()} == {
        NAME: "done",
        "other": "done",
        **dict.fromkeys(("deep", "fifo", "many", "folder", "binary", "unforeseen"), "unreadable"),
    }


def test_folders_nested_too_deeply_are_reported(out):
    handle = os.open(out / NAME / ".farm", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a", dir_fd=handle)
        inner = os.open("a", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    try:
        with pytest.raises(StorageError) as refused:
            COMMANDS["assemble"](out)
        assert str(refused.value) == f"{out / NAME}: cannot clean: its folders are nested too deeply."
        run("inspect", out)
        run("gallery", out)
    finally:  # pytest's own clean-up would not get to the end of them
        subprocess.run(["rm", "-rf", out / NAME], check=True)


def test_ranges_in_a_summary_are_not_expanded(out):
    path = out / NAME / "summary.json"
    summary = json.loads(path.read_text())
    endless = {"first": 0, "last": 2**53, "reason": "out of memory"}
    path.write_text(json.dumps(summary | {"failures": [endless], "remarks": [endless]}))
    for frame in (2, 3):
        (out / NAME / f"frames/frame{frame:06d}.png").unlink()
    (out / NAME / ".farm/ledger/frame000006-000007.jsonl").unlink()
    found = inspect(str(out / NAME))
    assert [(part.first, part.last, part.reason) for part in found.missing] == [
        (2, 3, "file missing"),
        (6, 7, "out of memory"),
    ]
    assert found.failed == 4
    build_report(str(out / NAME))
    assert "Frames 0 to 7" in (out / NAME / "report.html").read_text()


def test_a_ledger_part_with_a_huge_range_is_removed_without_expanding_it(out):
    ledger = out / NAME / ".farm" / "ledger"
    shutil.copy(ledger / "frame000002-000003.jsonl", ledger / "frame000000-999999999.jsonl")
    (out / NAME / "frames/frame000006.png").unlink()
    run("render", out)
    assert sorted(path.name for path in ledger.iterdir()) == [
        f"frame{first:06d}-{first + 1:06d}.jsonl" for first in (0, 2, 4, 6)
    ]
    job = prepare(out.parent / "film.yaml", output_dir=str(out), procedural=True)
    assert job.to_render(job.remaining()) == ()


def test_a_damaged_row_costs_its_part_and_is_rendered_again(out, caplog):
    tampered.change_record(out / NAME, ".farm/ledger/frame000002-000003.jsonl", ("height",), "64")
    job = prepare(out.parent / "film.yaml", output_dir=str(out), procedural=True)
    assert job.to_render(job.remaining()) == (1,)
    assert (
        f"{out / NAME}/.farm/ledger/frame000002-000003.jsonl is damaged (height: found a string, needed an integer); "
        "its frames are rendered again"
    ) in caplog.messages
    with tampered.InlineExecutor() as executor:
        [summary] = render([job], executor, tampered.quiet)
    assert (summary.state, summary.frames.rendered, summary.frames.kept) == ("done", 2, 6)


def test_a_row_of_a_newer_farm_is_read(out):
    tampered.change_record(out / NAME, ".farm/ledger/frame000002-000003.jsonl", ("upscaled",), [1, 2])
    job = prepare(out.parent / "film.yaml", output_dir=str(out), procedural=True)
    assert job.to_render(job.remaining()) == ()
    assert len(list(Ledger(job.folder).rows())) == 8


def test_recorded_pictures_are_those_of_the_manifest(out):
    folder = JobFolder(str(out / NAME))
    [noted] = recorded_pictures(folder)
    assert noted.endswith("/dog.png")
    for elsewhere in ("/dev/zero", noted.replace("dog", "secret"), "dog.png"):
        tampered.change_record(out / NAME, ".farm/pictures.json", ("*", "files", 0, "location"), elsewhere)
        assert recorded_pictures(folder) == {}
