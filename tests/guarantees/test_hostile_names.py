"""Names and output folders that would lead a job's files elsewhere are refused before anything starts."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farm.errors import ManifestError
from farm.rules.load import parse
from tests.guarantees.refusal import MANIFEST, refusal, run_farm, write

LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
HOSTILE = [
    *(
        "../x",
        "/etc/x",
        "a/../b",
        "a/b",
        "..",
        ".",
        ".hidden",
        "a\0b",
        "a\\b",
        "C:x",
        "a.",
        "a..",
        "a\n",
        " a",
    ),
    *(
        "",
        "a b",
        "dоg",
        "ﬁlm",
        "a\u202eb",
        "a\u0301",
        "x" * 101,
        "x" * 1_000_000,
        "con",
        "NUL.txt",
        "Com1",
        "~",
    ),
    *("-", "-rf", "--help", "--output-dir=x"),
    *("\x1b[31m", "$(id)", "a;b", "%2e%2e%2f", "file:x"),
]


def accepted(text: str, *overrides: str) -> str | None:
    try:
        return parse(text, Path("m.yaml"), overrides).manifest.name
    except ManifestError as error:
        refused = error
    assert all(problem.where.startswith(("m.yaml:1:", "--set name=")) for problem in refused.problems)
    return None


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_hostile_name_is_refused_in_the_file_and_on_the_command_line(name):
    assert accepted(json.dumps({**MANIFEST, "name": name})) is None
    assert accepted(json.dumps(MANIFEST), f"name={json.dumps(name)}") is None


@given(st.text(max_size=12) | st.text(alphabet="ab./\\~:\n\0-", max_size=6) | st.from_regex(r"\A[\w.-]+\Z"))
@example("con")
def test_every_accepted_name_is_a_separate_folder_on_every_system(name):
    taken = accepted(json.dumps({**MANIFEST, "name": name}))
    assert taken == accepted(json.dumps(MANIFEST), f"name={json.dumps(name)}")
    if taken is not None:
        assert taken == name
        assert 0 < len(name) <= 100
        assert set(name) <= LETTERS
        assert os.path.normpath(f"out/{name}") == f"out/{name}" != "out/"
        assert not name.startswith((".", "-"))
        assert not name.endswith(".")


def test_a_hostile_name_is_reported_at_its_place(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("version: 1\nname: ../../etc/cron.d/x\nmodel: {pipeline: StableDiffusionPipeline, pretrained: x}\n"
                    "animation: {kind: walk, prompt: a, frames: 1}\n")  # fmt: skip
    assert refusal(path) == (
        f"{path}:2:1: name: found '../../etc/cron.d/x'; allowed: 1 to 100 letters, digits, '.', '_' or '-', not "
        "beginning or ending with '.'.\n"
    )


def test_a_name_that_looks_like_an_option_is_reported(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps({**MANIFEST, "name": "--help"}))
    assert refusal(path) == (
        f"{path}:1:16: name: found '--help'; allowed: a name that does not begin with '-', as command-line options "
        "do.\n"
    )


@pytest.mark.parametrize("target", ["elsewhere", "nothing", "itself"])
@pytest.mark.parametrize("place", ["", "frames", ".farm", ".farm/ledger"])
def test_a_link_instead_of_an_output_folder_is_refused(tmp_path, place, target):
    link = tmp_path / "out" / "job" / place
    link.parent.mkdir(parents=True)
    aim = {"elsewhere": tmp_path / "elsewhere", "nothing": tmp_path / "nothing", "itself": link}[target]
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(aim)
    path = write(tmp_path)
    assert refusal(path, "-o", tmp_path / "out") == (
        f"{path}:1:16: name: {link} is a symbolic link to '{aim}'; needed: an output folder of the job's own. "
        "Remove the link, or choose another name or --output-dir, which may be a link itself.\n"
    )
    assert not any((tmp_path / "elsewhere").iterdir())


def test_the_output_dir_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    assert run_farm("plan", write(tmp_path), "-o", tmp_path / "out") == (0, "")


def test_a_finished_job_that_contains_a_link_is_not_assembled(tmp_path):
    (tmp_path / "manifest.yaml").write_text(json.dumps(MANIFEST))
    (tmp_path / "frames").symlink_to("/etc")
    assert run_farm("assemble", tmp_path) == (
        2,
        f"{tmp_path}/frames is a symbolic link to '/etc'; a job's folder must not contain links: replace it "
        "with the folder itself.\n",
    )


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://169.254.169.254/latest",
            "https://metadata.google.internal/x",
            "ftp://[::1]/x",
            "github://a:b@/x",
        ),
        *(
            "simplecache::http://127.0.0.1/x",
            "zip://a::s3://b/x",
            "reference://x",
            "data:text/plain,x",
            "tar://x",
        ),
        *(
            "hf://a/b",
            "sftp://h/x",
            "jupyter://h/x",
            "webhdfs://h/x",
            "HTTP://h/x",
            "a::b",
            "http://0x7f000001/",
        ),
    ],
)
def test_an_unwritable_output_dir_is_refused(tmp_path, url):
    message = refusal(write(tmp_path), "-o", url)
    assert repr(url.replace("a:b@", "***@"))[:-1] in message
    assert message.endswith(
        "; give a local folder or an fsspec URL of s3://, gs://, az://, abfs:// or memory://.\n"
    )
