"""No secret behind a link or in the environment, and no file name of another folder, is disclosed anywhere."""

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
    """A finished and measured rehearsal, and the output while it was made."""
    folder = tmp_path_factory.mktemp("canaries")
    manifest = folder / "job.yaml"
    output = {"gif": True, "mp4": True, "contact_sheet": True}
    manifest.write_text(json.dumps({**MANIFEST, "output": output, "analysis": {"smoothness": True}}))
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.setenv(name, CANARY)
        output = run("render", str(manifest), "--inline", "--procedural", "-o", str(folder / "out"))
    return folder, output


def run(*words):
    """Return the exit code of `farm` and its complete output."""
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr("sys.stdout", output)
        patch.setattr("sys.stderr", output)
        main(list(words))
    return stop.value.code or 0, output.getvalue()


def with_canary(folder):
    """Return the files below a folder with the canary in their content or name; no link is followed."""
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
    """Replace a file or folder by a link to the secret, or to its folder."""
    if place.is_dir():
        shutil.rmtree(place)
        place.symlink_to(secrets)
    else:
        place.unlink(missing_ok=True)
        place.symlink_to(secrets / "x")


def test_an_existing_canary_is_found(tmp_path):
    (tmp_path / "a").write_text(f"x{CANARY}")
    (tmp_path / CANARY).mkdir()
    assert with_canary(tmp_path) == [tmp_path / CANARY, tmp_path / "a"]


def test_nothing_from_the_environment_is_written_or_printed(made):
    folder, (code, output) = made
    assert code == 0
    assert (folder / "out" / "job-rehearsal" / "metadata.parquet").exists()
    assert CANARY not in output
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
def test_targets_of_links_in_a_job_folder_are_neither_disclosed_nor_changed(made, tmp_path, names):
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
    )  # so that no link below the job's folder contains the canary itself
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
        _, output = run(*(word.format(**places) for word in words))
        assert CANARY not in output, words
        assert with_canary(out) == [], words
    assert sorted(os.listdir(secrets)) == [CANARY, "x"]  # noqa: PTH208
    assert (secrets / CANARY).read_text() == f"password: {CANARY}\n"


@pytest.mark.parametrize(
    "url", [f"s3://key:{CANARY}@bucket/x", f"s3://{CANARY}:key@bucket/x", f"memory://a:{CANARY}@b"]
)
def test_an_output_dir_that_holds_a_password_is_refused_without_it(url):
    with pytest.raises(UsageError) as refused:
        JobFolder(url)
    scheme = url.partition("://")[0]
    assert str(refused.value) == (
        f"'{scheme}://***@{url.partition('@')[2]}': contains a password, which would appear in every page and log; "
        "give a local folder or an fsspec URL of s3://, gs://, az://, abfs:// or memory://."
    )


def test_a_password_in_a_url_is_in_no_message(tmp_path):
    url = f"https://user:{CANARY}@host/x"
    manifest = tmp_path / "m.yaml"
    model = {"pipeline": "StableDiffusionImg2ImgPipeline", "pretrained": url}
    for render in ({"image": url}, {"image": "a.png"}):
        manifest.write_text(json.dumps({**MANIFEST, "model": model, "render": render}))
        code, output = run("check", str(manifest))
        assert code == 2
        assert CANARY not in output
    assert "https://***@host/x" in output
    assert str(FarmError(f"{url}: no")) == "https://***@host/x: no"
    assert Problem(where="m", path="", found=url, allowed="x").found == "https://***@host/x"
    assert str(FarmError("abfss://container@account/x")) == "abfss://container@account/x"
