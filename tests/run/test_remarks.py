"""Alphas in a resolved manifest that a pilot chose for an earlier version of it."""

from functools import partial

import pytest

from farm.execute import InlineExecutor
from farm.inputs.procedural import procedural_renderer
from farm.rules.load import load
from farm.run import prepare, render
from farm.run.pacing import pacing_warnings
from farm.run.prepare import planned
from farm.store import JobFolder
from tests.results.verify.verifying import quiet

PACED = "{kind: interpolate, prompts: [a, b, c], frames: 13, pacing: perceptual}"


@pytest.fixture
def folder(write_manifest, tmp_path):
    """The folder of a job whose alphas a pilot has chosen."""
    path = write_manifest(
        animation=("{kind: interpolate, prompts: [a, b, c], frames: 21}", PACED),
        films=("mp4: {fps: 10}", "mp4: false, report: false"),
    )
    job = prepare(path, output_dir=str(tmp_path), procedural=True)
    with InlineExecutor() as executor:
        render([job], executor, quiet)
    return tmp_path / "job-rehearsal"


def remarks(folder, *changes, kept_in=None):
    """Return the warnings about the manifest in the folder, with changes applied."""
    document = load(folder / "manifest.yaml", changes)
    design = partial(planned, document, procedural_renderer(document, {}), {}, None)
    return pacing_warnings(document, None, JobFolder(str(kept_in or folder)), design)


def test_alphas_of_an_unchanged_manifest_cause_no_warning(folder):
    assert remarks(folder) == ()
    assert remarks(folder, "output.gif.fps=20", "description=another") == ()


@pytest.mark.parametrize(
    "change",
    ["animation.prompts=[a, b, d]", "animation.prompts=[a, b]", "seed=4", "render.num_inference_steps=6"],
)
def test_alphas_chosen_for_an_earlier_manifest_cause_a_warning(folder, change):
    path = folder / "manifest.yaml"
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "alphas:" in text)
    [remark] = remarks(folder, change)
    assert remark == (
        f"{path}:{line}:3: animation.alphas: chosen by a pilot for pacing perceptual, before prompts, settings or "
        "model were changed; remove them to choose them again."
    )


def test_the_users_own_alphas_cause_no_warning(folder, tmp_path):
    own = "animation.alphas=[0, 0.5, 1]"
    assert remarks(folder, own, "animation.frames=3", "seed=4") == ()
    assert remarks(folder, "seed=4", kept_in=tmp_path / "elsewhere") == ()
    assert remarks(folder, "animation.pacing=uniform", "seed=4") == ()


def test_a_choice_without_its_source_causes_no_warning(folder):
    note = folder / ".farm" / "pacing.json"
    note.write_text(note.read_text().replace('"source"', '"former"'))
    assert remarks(folder, "seed=4") == ()
