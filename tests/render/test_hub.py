"""Which of a repository's files is meant, and whether the hub may be asked for it."""

import pytest

from farm.records import ModelSource
from farm.render.checkpoints import hub
from tests.checkpoints.hub_cache import fill_cache

COMMIT = "c" * 40
USUAL = "usual.safetensors"


def folder_of(path, *names):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"")
    return path


def source_of(place, kind="folder", revision=""):
    return ModelSource(
        pretrained=str(place), kind=kind, location=str(place), revision=revision, fingerprint=""
    )


@pytest.mark.parametrize(
    ("there", "name"),
    [
        (["other.safetensors", "config.json"], "other.safetensors"),
        (["other.safetensors", "older/usual.safetensors"], "other.safetensors"),
        (["other.safetensors", "another.safetensors"], USUAL),
        (["other.safetensors", USUAL], USUAL),
        (["weights.bin"], USUAL),
    ],
)
def test_the_only_file_or_else_the_usual_one_is_meant(tmp_path, monkeypatch, there, name):
    folder = folder_of(tmp_path / "adapter", *there)
    assert hub.weight_name(source_of(folder), None, USUAL) == name
    assert hub.weight_name(source_of(folder), "written.safetensors", USUAL) == "written.safetensors"

    commit = fill_cache(tmp_path / "hub", "studio/adapter", folder)
    pinned = source_of("studio/adapter", "hub", commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.weight_name(pinned, None, USUAL) == name


def test_the_hub_is_asked_for_the_files_of_the_commit(monkeypatch):
    asked = []

    def list_repo_files(hub_id, *, revision):
        asked.append((hub_id, revision))
        return ["README.md", "other.safetensors", "older/usual.safetensors"]

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "list_repo_files", list_repo_files)
    pinned = source_of("studio/adapter", "hub", COMMIT)
    assert hub.weight_name(pinned, None, USUAL) == "other.safetensors"
    assert hub.weight_name(pinned, USUAL, USUAL) == USUAL
    assert asked == [("studio/adapter", COMMIT)]


@pytest.mark.parametrize(("word", "forbidden"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_hub_is_out_of_reach_in_the_words_of_huggingface_hub(monkeypatch, word, forbidden):
    monkeypatch.setenv("HF_HUB_OFFLINE", word)
    assert hub.is_offline() is forbidden
