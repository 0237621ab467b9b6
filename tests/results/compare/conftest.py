import pytest

from farm.execute import InlineExecutor
from farm.run import analyze_job, prepare, render
from tests.results.verify.verifying import quiet

CLIP = "analysis={clip: {pretrained: tiny-world-clip}, smoothness: false}"


@pytest.fixture
def rehearse(write_manifest, tmp_path):
    """Rehearse a job of 7 frames and return its folder; `changes` are pairs of old and new text in its manifest."""

    def make(name, *changes, frames=7, analysis=None):
        pairs = {str(number): pair for number, pair in enumerate(changes)}
        job = prepare(
            write_manifest(name, frames=frames, **pairs), output_dir=str(tmp_path / "out"), procedural=True
        )
        with InlineExecutor() as executor:
            render([job], executor, quiet)
        folder = tmp_path / "out" / f"{name}-rehearsal"
        if analysis:
            analyze_job(str(folder), InlineExecutor(), [analysis])
        return folder

    return make
