"""A rendered job, for tests of code that reads one."""

import pytest

from farm.execute import InlineExecutor
from farm.render import open_renderer
from farm.run import prepare, render
from tests.results.verify.verifying import quiet


@pytest.fixture
def rendered(write_manifest, tmp_path):
    """Render a job of 21 frames in chunks of 4 and return its folder."""

    def make(*, procedural=True, renderers=open_renderer, **manifest):
        job = prepare(write_manifest(**manifest), output_dir=str(tmp_path), procedural=procedural)
        with InlineExecutor(open_renderer=renderers) as executor:
            render([job], executor, quiet)
        return tmp_path / ("job-rehearsal" if procedural else "job")

    return make
