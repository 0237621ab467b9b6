"""Ray workers and one process choose the same alphas with a pilot, and render the same frames."""

import pytest

from farm.execute.ray.executor import RayExecutor
from farm.render import open_renderer
from farm.run import prepare, render
from tests.results.verify.verifying import quiet
from tests.run.test_pacing import chosen, contents, even, folder_in, run

__all__ = ["even"]


@pytest.mark.ray
@pytest.mark.slow
def test_ray_chooses_and_renders_the_same(even, local_ray, tmp_path):
    path = even()
    run(path, output_dir=tmp_path / "inline", renderers=open_renderer)
    job = prepare(path, output_dir=str(tmp_path / "ray"), procedural=True)
    with RayExecutor(workers=2) as executor:
        [summary] = render([job], executor, quiet)
    assert summary.state == "done"
    assert chosen(tmp_path / "ray") == chosen(tmp_path / "inline")
    assert contents(folder_in(tmp_path / "ray")) == contents(folder_in(tmp_path / "inline"))
