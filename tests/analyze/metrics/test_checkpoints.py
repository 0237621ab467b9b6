from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.analyze import open_analyzer
from farm.errors import ModelError
from farm.models import HERE
from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec
from tests.analyze.conftest import source


def _copy(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / name, tmp_path / name))


def _open(part: ClipSpec | ClassifierSpec) -> None:
    is_clip = isinstance(part, ClipSpec)
    open_analyzer(
        AnalysisSpec(clip=part if is_clip else None, classifier=None if is_clip else part, smoothness=False)
    )


def test_files_that_changed_since_they_were_found_are_refused(
    tmp_path: Path, classifier: ClassifierSpec
) -> None:
    folder = _copy("tiny-world-resnet", tmp_path)
    found = source(folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"circle"', '"ring"'))
    with pytest.raises(ModelError, match="its files on .* differ from the files at the start of this run"):
        _open(replace(classifier, source=found))


def test_a_missing_vocabulary_is_reported(tmp_path: Path, clip: ClipSpec) -> None:
    folder = _copy("tiny-world-clip", tmp_path)
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        (folder / name).unlink()
    found = source(folder)
    with pytest.raises(ModelError) as raised:
        _open(replace(clip, source=found))
    assert str(raised.value) == (
        f"{folder}: its tokenizer has no words, as its vocabulary files are missing."
    )


def test_a_folder_without_weights_is_reported_by_name(tmp_path: Path, classifier: ClassifierSpec) -> None:
    folder = _copy("tiny-world-resnet", tmp_path)
    (folder / "model.safetensors").unlink()
    found = source(folder)
    with pytest.raises(ModelError) as raised:
        _open(replace(classifier, source=found))
    assert str(raised.value).startswith(f"{folder}: cannot be loaded as an image classifier: ")


def _from_the_hub(classifier: ClassifierSpec) -> ClassifierSpec:
    identity = {"pretrained": "microsoft/resnet-50", "location": "microsoft/resnet-50", "revision": "0" * 40}
    return replace(classifier, source=replace(classifier.source, kind="hub", **identity))


def test_an_absent_hub_checkpoint_is_reported_with_the_command_that_downloads_it(
    tmp_path: Path, classifier: ClassifierSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("huggingface_hub.constants", "transformers.utils.hub.constants"):
        monkeypatch.setattr(f"{module}.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as raised:
        _open(_from_the_hub(classifier))
    zeros = "0" * 40
    assert str(raised.value) == (
        f"microsoft/resnet-50@{zeros}: some of its files are not in this machine's hub cache, and HF_HUB_OFFLINE "
        f"forbids a download. Run once, with network access: hf download microsoft/resnet-50 --revision {zeros}"
    )


def test_an_unreachable_hub_is_reported(
    tmp_path: Path, classifier: ClassifierSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise LocalEntryNotFoundError("not found")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(ModelError) as raised:
        _open(_from_the_hub(classifier))
    zeros = "0" * 40
    assert str(raised.value) == (
        f"microsoft/resnet-50@{zeros}: some of its files are not in this machine's hub cache, and the hub cannot be "
        f"reached. Run once, with network access: hf download microsoft/resnet-50 --revision {zeros}"
    )
