from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from farm.inputs.checkpoints.tokenizers import scoring_model_mismatch
from farm.models import HERE
from farm.records import ClassifierSpec, ClipSpec, ModelSource
from tests.analyze.conftest import source

COMMIT = "0" * 40


def _clip(of: ModelSource) -> ClipSpec:
    return ClipSpec(source=of, groups=(), prompts=())


def _classifier(of: ModelSource) -> ClassifierSpec:
    return ClassifierSpec(source=of, top_k=5)


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., ModelSource]:
    """Return a copy of a shipped scoring model with other settings, or without a file."""

    def altered(name: str, *, without: str = "", **settings: object) -> ModelSource:
        folder = tmp_path / name
        shutil.copytree(HERE / name, folder)
        config = json.loads((folder / "config.json").read_text()) | settings
        (folder / "config.json").write_text(json.dumps(config))
        if without:
            (folder / without).unlink()
        return source(folder)

    return altered


def test_the_shipped_scoring_models_fit(clip: ClipSpec, classifier: ClassifierSpec) -> None:
    assert scoring_model_mismatch(clip) is None
    assert scoring_model_mismatch(classifier) is None


def test_a_classifier_is_no_clip_model_and_vice_versa(clip: ClipSpec, classifier: ClassifierSpec) -> None:
    assert (
        scoring_model_mismatch(_clip(classifier.source))
        == "its config.json is that of a model of type 'resnet', not 'clip'"
    )
    assert scoring_model_mismatch(_classifier(clip.source)) == "it is a CLIPModel, not an image classifier"


def test_a_clip_model_has_two_halves(altered: Callable[..., ModelSource]) -> None:
    assert scoring_model_mismatch(_clip(altered("tiny-world-clip", vision_config=None))) == (
        "its config.json does not describe both halves of a CLIPModel: text_config and vision_config"
    )


def test_a_classifier_names_its_classes(altered: Callable[..., ModelSource]) -> None:
    assert scoring_model_mismatch(_classifier(altered("tiny-world-resnet", id2label=None))) == (
        "its config.json does not name its classes (id2label)"
    )


@pytest.mark.parametrize(
    ("without", "mismatch"),
    [
        ("config.json", "it contains no config.json"),
        ("model.safetensors", "it contains no model.safetensors or model.safetensors.index.json"),
        ("preprocessor_config.json", "it contains no preprocessor_config.json or processor_config.json"),
    ],
)
def test_a_missing_required_file_is_reported(
    altered: Callable[..., ModelSource], without: str, mismatch: str
) -> None:
    assert scoring_model_mismatch(_classifier(altered("tiny-world-resnet", without=without))) == mismatch


def test_a_clip_model_needs_a_vocabulary_and_a_classifier_none(altered: Callable[..., ModelSource]) -> None:
    found = altered("tiny-world-clip", without="tokenizer.json")
    assert scoring_model_mismatch(_clip(found)) is None
    (Path(found.location) / "vocab.json").unlink()
    assert scoring_model_mismatch(_clip(found)) == "it contains no tokenizer.json or vocab.json"


def test_an_adapter_in_the_folder_is_refused(altered: Callable[..., ModelSource]) -> None:
    found = altered("tiny-world-resnet")
    (Path(found.location) / "adapter_config.json").write_text('{"base_model_name_or_path": "some/where"}')
    mismatch = (
        "it contains an adapter_config.json, which would replace its weights with those of another model"
    )
    assert scoring_model_mismatch(_classifier(found)) == mismatch


def test_a_single_file_is_no_scoring_model() -> None:
    found = source(HERE / "tiny-world-clip" / "model.safetensors")
    mismatch = "it is a single file, not a folder with a configuration and weights"
    assert scoring_model_mismatch(_clip(found)) == mismatch


def test_a_hub_id_that_was_never_loaded_is_not_read() -> None:
    found = ModelSource(
        pretrained="no/such", kind="hub", location="no/such", revision=COMMIT, fingerprint="x"
    )
    assert scoring_model_mismatch(_clip(found)) is None
    assert scoring_model_mismatch(_classifier(found)) is None
