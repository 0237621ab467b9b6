"""No secret that a link leads to or the environment holds, and no file name of another folder, is told anywhere."""

import io
import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from farm.cli import main
from farm.errors import FarmError, Problem, UsageError
from farm.store import JobFolder
from tests.guarantees.refusal import MANIFEST

CANARY = "canary-7f3a"
VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "HF_TOKEN",
    "RAY_AUTH_TOKEN",
    "OF_THE_USER_PASSWORD",
)
READERS = (
    ("inspect", "{job}"),
    ("inspect", "{job}", "--json"),
    ("assemble", "{job}"),
    ("verify", "{job}", "--inline"),
    ("analyze", "{job}", "--inline", "--set", "analysis.smoothness=true"),
    ("compare", "{job}", "{other}", "-o", "{out}/compared"),
    ("report", "{job}"),
    ("report", "{out}"),
    ("render", "{manifest}", "--inline", "--procedural", "-o", "{out}"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished rehearsal, measured, and what was said while it was made."""
    folder = tmp_path_factory.mktemp("canaries")
    manifest = folder / "job.yaml"
    output = {"gif": True, "mp4": True, "contact_sheet": True}
    manifest.write_text(json.dumps({**MANIFEST, "output": output, "analysis": {"smoothness": True}}))
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.setenv(name, CANARY)
        said = run("render", str(manifest), "--inline", "--procedural", "-o", str(folder / "out"))
    return folder, said


def run(*words):
    """Return the exit code of `farm`, and all that it says."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr("sys.stdout", said)
        patch.setattr("sys.stderr", said)
        main(list(words))
    return stop.value.code or 0, said.getvalue()


def with_canary(folder):
    """Return the files below a folder that hold the canary, or are called so; no link is followed."""
    paths = [Path(outer, name) for outer, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [path for path in paths if CANARY in path.name or (_is_file(path) and CANARY in _text(path))]


def _is_file(path):
    return path.is_file() and not path.is_symlink()


def _text(path):
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return f"{table.schema.metadata} {table.to_pylist()}"
    return path.read_bytes().decode("latin-1")


def link(place, secrets):
    """Put a link to the secret, or to its folder, in the place of a file or folder."""
    if place.is_dir():
        shutil.rmtree(place)
        place.symlink_to(secrets)
    else:
        place.unlink(missing_ok=True)
        place.symlink_to(secrets / "x")


def test_a_canary_is_found_where_there_is_one(tmp_path):
    (tmp_path / "a").write_text(f"x{CANARY}")
    (tmp_path / CANARY).mkdir()
    assert with_canary(tmp_path) == [tmp_path / CANARY, tmp_path / "a"]


def test_nothing_of_the_environment_is_written_or_said(made):
    folder, (code, said) = made
    assert code == 0
    assert (folder / "out" / "job-rehearsal" / "metadata.parquet").exists()
    assert CANARY not in said
    assert with_canary(folder / "out") == []


LINKED = [
    ("manifest.yaml",),
    (".farm/claim.json",),
    ("frames",),
    (".farm",),
    (".farm/analysis",),
    (
        *("summary.json", "metadata.parquet", "report.html", "preview.webp", "job.gif", "job.mp4"),
        *("contact_sheet.png", "frames/frame000000.png", ".farm/analysis/columns.json"),
        *(".farm/pictures.json", ".farm/pacing.json"),
    ),
]


@pytest.mark.parametrize("names", LINKED, ids=lambda names: f"{names[0]} and {len(names) - 1} more")
def test_what_a_link_in_a_job_folder_leads_to_is_neither_told_nor_changed(made, tmp_path, names):
    folder, _ = made
    out = tmp_path / "out"
    for copy in ("job-rehearsal", "other"):
        shutil.copytree(folder / "out" / "job-rehearsal", out / copy)
    secrets = tmp_path / "home" / CANARY
    secrets.mkdir(parents=True)
    (secrets / CANARY).write_text(f"password: {CANARY}\n")
    (secrets / "x").symlink_to(CANARY)
    (tmp_path / "home" / "x").symlink_to(
        secrets
    )  # so that no link below the job's folder holds the canary itself
    for name in names:
        link(out / "job-rehearsal" / name, tmp_path / "home" / "x")
    shutil.copy(folder / "job.yaml", tmp_path / "job.yaml")
    places = {
        "job": str(out / "job-rehearsal"),
        "other": str(out / "other"),
        "out": str(out),
        "manifest": str(tmp_path / "job.yaml"),
    }
    for words in READERS:
        _, said = run(*(word.format(**places) for word in words))
        assert CANARY not in said, words
        assert with_canary(out) == [], words
    assert sorted(os.listdir(secrets)) == [CANARY, "x"]  # noqa: PTH208
    assert (secrets / CANARY).read_text() == f"password: {CANARY}\n"


@pytest.mark.parametrize(
    "url", [f"s3://key:{CANARY}@bucket/x", f"s3://{CANARY}:key@bucket/x", f"memory://a:{CANARY}@b"]
)
def test_an_output_dir_that_holds_a_password_is_refused_without_it(url):
    with pytest.raises(UsageError) as told:
        JobFolder(url)
    scheme = url.partition("://")[0]
    assert str(told.value) == (
        f"'{scheme}://***@{url.partition('@')[2]}': contains a password, which would appear in every page and log; "
        "give a local folder or an fsspec URL of s3://, gs://, az://, abfs:// or memory://."
    )


def test_a_password_in_a_url_is_in_no_message(tmp_path):
    url = f"https://user:{CANARY}@host/x"
    manifest = tmp_path / "m.yaml"
    model = {"pipeline": "StableDiffusionImg2ImgPipeline", "pretrained": url}
    for render in ({"image": url}, {"image": "a.png"}):
        manifest.write_text(json.dumps({**MANIFEST, "model": model, "render": render}))
        code, said = run("check", str(manifest))
        assert code == 2
        assert CANARY not in said
    assert "https://***@host/x" in said
    assert str(FarmError(f"{url}: no")) == "https://***@host/x: no"
    assert Problem(where="m", path="", found=url, allowed="x").found == "https://***@host/x"
    assert str(FarmError("abfss://container@account/x")) == "abfss://container@account/x"
