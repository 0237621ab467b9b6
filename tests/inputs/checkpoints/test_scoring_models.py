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
    """Returns a copy of a shipped judge with other settings, or without a file."""

    def altered(name: str, *, without: str = "", **settings: object) -> ModelSource:
        folder = tmp_path / name
        shutil.copytree(HERE / name, folder)
        config = json.loads((folder / "config.json").read_text()) | settings
        (folder / "config.json").write_text(json.dumps(config))
        if without:
            (folder / without).unlink()
        return source(folder)

    return altered


def test_the_shipped_judges_fit(clip: ClipSpec, classifier: ClassifierSpec) -> None:
    assert scoring_model_mismatch(clip) is None
    assert scoring_model_mismatch(classifier) is None


def test_a_classifier_is_no_clip_and_the_other_way_round(clip: ClipSpec, classifier: ClassifierSpec) -> None:
    assert (
        scoring_model_mismatch(_clip(classifier.source))
        == "its config.json is that of a model of type 'resnet', not 'clip'"
    )
    assert scoring_model_mismatch(_classifier(clip.source)) == "it is a CLIPModel, not an image classifier"


def test_a_clip_has_two_halves(altered: Callable[..., ModelSource]) -> None:
    assert scoring_model_mismatch(_clip(altered("tiny-world-clip", vision_config=None))) == (
        "its config.json does not describe both halves of a CLIPModel: text_config and vision_config"
    )


def test_a_classifier_names_its_classes(altered: Callable[..., ModelSource]) -> None:
    assert scoring_model_mismatch(_classifier(altered("tiny-world-resnet", id2label=None))) == (
        "its config.json does not name its classes (id2label)"
    )


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("config.json", "there is no config.json in it"),
        ("model.safetensors", "there is no model.safetensors or model.safetensors.index.json in it"),
        ("preprocessor_config.json", "there is no preprocessor_config.json or processor_config.json in it"),
    ],
)
def test_a_file_that_is_needed_is_missed(
    altered: Callable[..., ModelSource], without: str, told: str
) -> None:
    assert scoring_model_mismatch(_classifier(altered("tiny-world-resnet", without=without))) == told


def test_a_clip_needs_its_vocabulary_and_a_classifier_none(altered: Callable[..., ModelSource]) -> None:
    found = altered("tiny-world-clip", without="tokenizer.json")
    assert scoring_model_mismatch(_clip(found)) is None
    (Path(found.location) / "vocab.json").unlink()
    assert scoring_model_mismatch(_clip(found)) == "there is no tokenizer.json or vocab.json in it"


def test_an_adapter_in_the_folder_is_refused(altered: Callable[..., ModelSource]) -> None:
    found = altered("tiny-world-resnet")
    (Path(found.location) / "adapter_config.json").write_text('{"base_model_name_or_path": "some/where"}')
    told = "there is an adapter_config.json in it, which would load weights of another model over its own"
    assert scoring_model_mismatch(_classifier(found)) == told


def test_a_single_file_is_no_judge() -> None:
    found = source(HERE / "tiny-world-clip" / "model.safetensors")
    told = "it is a single file, not a folder with a configuration and weights"
    assert scoring_model_mismatch(_clip(found)) == told


def test_of_what_was_never_loaded_from_the_hub_nothing_is_known() -> None:
    found = ModelSource(
        pretrained="no/such", kind="hub", location="no/such", revision=COMMIT, fingerprint="x"
    )
    assert scoring_model_mismatch(_clip(found)) is None
    assert scoring_model_mismatch(_classifier(found)) is None
