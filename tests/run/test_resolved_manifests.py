"""A job's resolved manifest is equivalent to the original, with every default filled in."""

from pathlib import Path

import pytest

from farm.run import prepare

MANIFESTS = sorted((Path(__file__).parent.parent.parent / "manifests").rglob("*.yaml"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_resolved_manifest_gives_the_same_recipes(path, tmp_path):
    written = prepare(path, output_dir=str(tmp_path), procedural=True).plan
    resolved = tmp_path / "manifest.yaml"
    resolved.write_text(written.manifest_text)
    again = prepare(resolved, output_dir=str(tmp_path), procedural=True).plan
    assert again.manifest_text == written.manifest_text
    for frame in {0, 1, written.frame_count // 2, written.frame_count - 1}:
        assert again.frame(frame).recipe == written.frame(frame).recipe
        assert again.frame(frame).digest == written.frame(frame).digest
