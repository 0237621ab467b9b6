"""The current directory contains files named like modules: none is ever imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exhaustive import sample
from tests.hostile_modules import write_hostile_modules

MANIFEST = """\
version: 1
name: film
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a red star, a blue heart], frames: 2}
render: {num_inference_steps: 1, batch_size: 1}
"""
ANALYSIS = "analysis: {clip: {pretrained: tiny-world-clip, labels: {colour: [red, blue]}}}\n"
RENDER, REHEARSE = "render film.yaml", "render film.yaml --procedural"
ANALYZE = "analyze . --set analysis.clip.labels.colour=[red,green]"
MODULES = [(module, analysis) for analysis in ("", ANALYSIS) for module in ("farm", "farm.cli")]
FARM = str(Path(sys.executable).with_name("farm"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "film.yaml").write_text(MANIFEST)
    return folder


def run_in(folder, *command, **variables):
    """Run a command in a folder, print its output, and return its exit code."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"XDG_CACHE_HOME": str(folder.parent / "cache")} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("command", sample([RENDER, REHEARSE], of=[REHEARSE]))
def test_workers_import_nothing_from_the_current_directory_of_render(folder, command):
    marker = write_hostile_modules(folder, "farm/__init__")
    (folder / "film.yaml").write_text(MANIFEST + ANALYSIS)
    assert run_in(folder, FARM, *command.split(), "--workers=1") == 0
    assert not marker.exists(), marker.read_text()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("verb", sample([ANALYZE, "verify .", "batch ../.."], of=["verify ."]))
def test_workers_import_nothing_from_a_jobs_folder_as_the_current_directory(folder, farm, verb):
    if verb == ANALYZE:
        (folder / "film.yaml").write_text(MANIFEST + ANALYSIS)
    rehearse = ("render", folder / "film.yaml", f"--output-dir={folder / 'out'}", "--inline", "--procedural")
    assert farm(*rehearse)[0] == 0
    job = folder / "out" / "film-rehearsal"
    marker = write_hostile_modules(job, "farm/__init__")
    assert run_in(job, FARM, *verb.split(), "--workers=1") == 0
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize(("module", "analysis"), sample(MODULES, of=MODULES[:1]))
def test_a_module_run_by_python_imports_nothing_from_the_current_directory(folder, module, analysis):
    (folder / "film.yaml").write_text(MANIFEST + analysis)
    marker = write_hostile_modules(folder)
    (folder / "sitecustomize.py").unlink()
    run = (sys.executable, "-m", module, "render", "film.yaml", "--inline", "--procedural")
    assert run_in(folder, *run) == 0
    assert not marker.exists(), marker.read_text()


def test_with_p_python_does_not_search_the_current_directory_for_the_farm(folder):
    marker = write_hostile_modules(folder, "farm/__init__", "contextlib", "runpy")
    run = (sys.executable, "-P", "-m", "farm", "render", "film.yaml", "--inline", "--procedural")
    assert run_in(folder, *run) == 0
    assert not marker.exists(), marker.read_text()
