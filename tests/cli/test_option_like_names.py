"""Files and folders named like options work, also in suggested commands."""

import shlex
import shutil

import pytest

from farm.store import file_name
from tests.pictures import draw


@pytest.mark.parametrize("name", ["-x.yaml", "--help.yaml", "--output-dir=elsewhere.yaml"])
def test_a_manifest_may_be_named_like_an_option(farm, write_manifest, tmp_path, name):
    shutil.copy(write_manifest(), tmp_path / name)
    assert farm("check", "--", name) == (0, f"{name}: ok: job, interpolate, 21 frames\n", "")
    assert farm("check", f"./{name}")[:2] == (0, f"{name}: ok: job, interpolate, 21 frames\n")


def test_a_picture_may_be_named_like_an_option(farm, write_manifest, tmp_path):
    (tmp_path / "-i").mkdir()
    draw(1).save(tmp_path / "-i" / "-y.png")
    path = write_manifest(
        pipeline=("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"),
        render=("height: 16, width: 16", 'image: "-i/-y.png"'),
    )
    assert farm("check", path)[0] == 0


def test_the_suggested_command_works_for_a_folder_named_like_an_option(farm, write_manifest, tmp_path):
    assert farm("render", write_manifest(), "--inline", "--procedural", "--output-dir=-rf --help; x")[0] == 0
    folder = "-rf --help; x/job-rehearsal"
    (tmp_path / folder / file_name(13)).unlink()
    _, out, _ = farm("verify", "--inline", "--", folder)
    command = shlex.split(out.splitlines()[-1].partition(", run: ")[2])
    assert farm(*command[1:], "--inline")[0] == 0
    assert farm("verify", "--inline", "--", folder)[0] == 0
