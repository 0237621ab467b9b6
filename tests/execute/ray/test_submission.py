"""Submitted files have no name that Python could import, and the head restores the user's names."""

import json
import pkgutil

import pytest

from farm.errors import ClusterError, UsageError
from farm.execute.ray.submission import (
    INDEX,
    drop_submissions_from_path,
    stage_working_dir,
    unpack_submission,
)
from tests.pictures import draw

CODE = b"GIF89a=1\nraise SystemExit('imported')\n"
NAMES = (
    "typer.py",
    "farm/cli/submitted.py",
    "numpy.py",
    "sitecustomize.py",
    "farm/__init__.py",
    "frames/a b.dist-info/1.so",
)


@pytest.fixture
def sent(tmp_path):
    """Stage a manifest and six pictures named like modules; return the folder to be sent."""
    here, sent = tmp_path / "here", tmp_path / "sent"
    here.mkdir()
    sent.mkdir()
    (here / "dog.yaml").write_text("name: dog\n")
    for name in NAMES:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(CODE + name.encode())
    stage_working_dir(here / "dog.yaml", [here / name for name in NAMES], sent)
    return sent


def test_submitted_files_have_numbers_as_names_and_suffixes_by_content(sent, tmp_path):
    assert sorted(path.name for path in sent.iterdir()) == [
        "000000.yaml",
        *(f"{number:06}.gif" for number in range(1, 7)),
        "submission.json",
    ]
    draw(1).save(tmp_path / "here" / "png.py", "png")
    (tmp_path / "here" / "film.so").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "here" / "what.pyc").write_bytes(b"import os")
    (tmp_path / "again").mkdir()
    pictures = [tmp_path / "here" / name for name in ("png.py", "film.so", "what.pyc")]
    stage_working_dir(tmp_path / "here" / "dog.yaml", pictures, tmp_path / "again")
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        *("000000.yaml", "000001.png", "000002.mp4", "000003.bin", "submission.json"),
    ]


def test_the_head_finds_the_manifest_and_its_pictures_under_the_users_names(sent):
    manifest = unpack_submission(sent / INDEX)
    assert manifest == sent / "as-named" / "dog.yaml"
    assert manifest.read_text() == "name: dog\n"
    assert not manifest.is_symlink()
    for number, name in enumerate(NAMES, start=1):
        assert (manifest.parent / name).resolve() == sent / f"{number:06}.gif"
        assert (manifest.parent / name).read_bytes() == CODE + name.encode()
    assert unpack_submission(sent / INDEX) == manifest  # as a second job with the same upload does
    assert [path.name for path in sent.iterdir() if path.name.startswith("as-named")] == ["as-named"]


def test_nothing_in_a_submission_can_be_imported(sent):
    unpack_submission(sent / INDEX)
    assert list(pkgutil.iter_modules([str(sent)])) == []
    assert not [path for path in sent.iterdir() if path.is_dir() and path.name.isidentifier()]


def test_a_process_removes_submissions_from_its_import_path(sent, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.path", [str(sent), str(tmp_path), f"{sent}/000001.gif"])
    drop_submissions_from_path()
    import sys

    assert sys.path == [str(tmp_path), f"{sent}/000001.gif"]


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (b"", "it is not JSON in UTF-8: Expecting value"),
        (b"[1]", "found a list, needed an object"),
        (b'{"manifest": "dog.yaml"}', "pictures: it is missing"),
        (b'{"manifest": "a/dog.yaml", "pictures": {}}', "it uses a name twice"),
        (b'{"manifest": "", "pictures": {}}', "it names a file that was not sent"),
        (b'{"manifest": 3, "pictures": {}}', "manifest: found an integer, needed a string"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_an_invalid_index_is_refused(sent, index, reason):
    (sent / INDEX).write_bytes(index)
    with pytest.raises(ClusterError) as refused:
        unpack_submission(sent / INDEX)
    assert str(refused.value).startswith(f"{sent / INDEX} cannot be read: {reason}")
    assert str(refused.value).endswith(
        ". Submit the manifest again, with the same version of the farm as on the cluster."
    )


@pytest.mark.parametrize(
    ("number", "name"),
    [
        *[
            ("000001.gif", name)
            for name in ("../x", "/x", "a/../../x", "a//x", ".", "", "a\0", "x" * 1025, "a/")
        ],
        *[(number, "x") for number in ("../000001.gif", "link.gif", "000009.gif", "000001.py", "000008.gif")],
    ],
)
def test_an_index_that_leads_out_of_the_submission_is_refused(sent, number, name):
    (sent / "000008.gif").symlink_to("/etc/passwd")
    (sent / "000001.py").touch()
    (sent / INDEX).write_text(json.dumps({"manifest": "dog.yaml", "pictures": {number: name}}))
    with pytest.raises(ClusterError, match="cannot be read"):
        unpack_submission(sent / INDEX)
    assert not (sent / "as-named").exists()


def test_two_pictures_cannot_have_one_name(sent):
    (sent / INDEX).write_text(
        json.dumps({"manifest": "dog.yaml", "pictures": {"000001.gif": "x", "000002.gif": "x"}})
    )
    with pytest.raises(ClusterError, match="it uses a name twice"):
        unpack_submission(sent / INDEX)


def test_too_many_pictures_are_refused_with_a_remedy(tmp_path):
    (tmp_path / "dog.yaml").touch()
    with (tmp_path / "a.mp4").open("wb") as file:
        file.truncate(100 * 2**20)
    (tmp_path / "sent").mkdir()
    with pytest.raises(UsageError) as refused:
        stage_working_dir(tmp_path / "dog.yaml", [tmp_path / "a.mp4"], tmp_path / "sent")
    assert str(refused.value) == (
        "The manifest's pictures exceed 103809024 bytes, the most that can be submitted. Put them on storage that all "
        "machines of the cluster share, and give their absolute paths."
    )
