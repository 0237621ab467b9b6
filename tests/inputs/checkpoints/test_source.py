import platform

import pytest

from farm.errors import ModelError
from farm.inputs.checkpoints.source import find_source
from tests.render.frames import spec_of

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"


def test_a_folder_is_identified_by_its_content_not_its_location(tiny_sd, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_sd, tmp_path / "elsewhere")
    first, second = (find_source(str(folder), None, tmp_path) for folder in (tiny_sd, copy))
    assert first.kind == "folder"
    assert first.fingerprint == second.fingerprint
    config = copy / "unet" / "config.json"
    config.write_text(config.read_text() + "\n")
    assert find_source(str(copy), None, tmp_path).fingerprint != first.fingerprint


def test_paths_are_relative_to_the_manifest(tiny_sd):
    assert find_source(f"./{tiny_sd.name}", None, tiny_sd.parent).location == str(tiny_sd)


def test_a_hub_id_is_identified_by_its_commit(tmp_path):
    source = find_source("org/name", COMMIT, tmp_path)
    assert (source.kind, source.location, source.revision) == ("hub", "org/name", COMMIT)
    assert find_source("org/name", COMMIT[::-1], tmp_path).fingerprint != source.fingerprint


def test_a_missing_checkpoint_is_not_found(tmp_path):
    assert find_source("no-such-model", None, tmp_path) is None
    assert find_source("missing.safetensors", None, tmp_path) is None


def test_files_changed_after_planning_are_refused(tiny_sd, tmp_path):
    """Another machine of a cluster may also have other files at the same path."""
    import shutil

    from farm.render import open_renderer

    copy = shutil.copytree(tiny_sd, tmp_path / "model")
    spec = spec_of(copy)
    open_renderer(spec)
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(ModelError) as refused:
        open_renderer(spec)
    assert str(refused.value) == (
        f"{copy}: its files on {platform.node()} differ from the files at the start of this run. Use the same files on "
        "every machine, do not change them during a run, and run again."
    )
