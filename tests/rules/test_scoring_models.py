"""Labels that the analysis' CLIP model cannot read, and missing scoring models, cause a warning."""

import json

import pytest

from farm.inputs.resolved import resolve
from farm.rules.analysis import scoring_model_warnings
from farm.rules.context import Context
from farm.rules.load import load
from farm.rules.registry import problems_of, warnings

COMMIT = "34c2154c194f829b11125337b98c8f5f9965ff19"
RESNET = {"pretrained": "microsoft/resnet-50", "revision": COMMIT}


@pytest.fixture
def warnings_of(tmp_path):
    def warnings_of(**analysis):
        manifest = {
            "version": 1,
            "name": "scored",
            "model": {"pipeline": "StableDiffusionPipeline", "pretrained": "tiny-world"},
            "animation": {"kind": "stills", "prompts": ["a red star"]},
            "analysis": analysis,
        }
        path = tmp_path / "scored.yaml"
        path.write_text(json.dumps(manifest, ensure_ascii=False))
        document = load(path)
        context = Context(manifest=document.manifest, inputs=resolve(document)[0])
        found = problems_of(document, scoring_model_warnings(context))
        return [str(problem).partition(": ")[2] for problem in found]

    return warnings_of


def _clip(labels, **more):
    return {"pretrained": "tiny-world-clip", "labels": labels, **more}


def test_labels_that_are_read_in_full_cause_no_warning(warnings_of):
    labels = {"shape": ["star", "heart"], "background": [{"sea": "in the sea"}, "at the beach"]}
    assert warnings_of(clip=_clip(labels, template="a {label}")) == []
    assert warnings_of(smoothness=True) == []


def test_a_truncated_label_is_reported_with_its_unread_text(warnings_of):
    labels = {"shape": ["star", {"heart": " ".join(["heart"] * 30) + " in the Sea"}]}
    assert warnings_of(clip=_clip(labels)) == [
        "analysis.clip.labels.shape[1]: its text has 33 tokens, of which tiny-world-clip reads 30; unread: 'in the "
        "Sea'."
    ]


def test_a_label_is_truncated_with_its_template(warnings_of):
    labels = {"shape": ["star", {"heart": "a heart"}]}
    [warning] = warnings_of(clip=_clip(labels, template="star " * 30 + "{label}"))
    assert warning == (
        "analysis.clip.labels.shape[0]: its text has 31 tokens, of which tiny-world-clip reads 30; unread: 'star'."
    )


def test_a_label_without_a_recognized_word_causes_a_warning_whatever_the_template(warnings_of):
    labels = {"shape": ["star", "звезда", {"zebra": "a zebra"}]}
    mean = "needed: words from its training data, or its probabilities mean little."
    assert warnings_of(clip=_clip(labels, template="a red {label}")) == [
        f"analysis.clip.labels.shape[1]: the tokenizer of tiny-world-clip recognizes no word of 'звезда'; {mean}",
        f"analysis.clip.labels.shape[2]: the tokenizer of tiny-world-clip recognizes no word of 'a zebra'; {mean}",
    ]


def test_a_missing_scoring_model_causes_a_warning_in_offline_mode(warnings_of, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    both = {"clip": {"pretrained": "a/b", "revision": COMMIT}, "classifier": True}
    found = "not in this machine's hub cache, and HF_HUB_OFFLINE forbids fetching it"
    assert warnings_of(**both) == [
        f"analysis.clip.pretrained: {found}; needed where frames are measured: hf download a/b --revision {COMMIT}.",
        f"analysis.classifier.pretrained: {found}; needed where frames are measured: hf download microsoft/resnet-50 "
        f"--revision {COMMIT}.",
    ]
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert warnings_of(**both) == []


def test_a_cached_scoring_model_causes_no_warning(warnings_of, monkeypatch, tmp_path):
    (tmp_path / "hub" / "models--microsoft--resnet-50" / "snapshots" / COMMIT).mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert warnings_of(classifier=RESNET) == []


def test_a_scoring_model_that_cannot_be_found_causes_no_further_warning(warnings_of):
    assert warnings_of(classifier={"pretrained": "./nowhere"}) == []


def test_warnings_about_scoring_models_are_among_all_warnings(written, without_lines):
    analysis = "analysis: {clip: {pretrained: tiny-world-clip, labels: {shape: [star, звезда]}}}"
    document = written("StableDiffusionPipeline", "@sd", more=analysis)
    assert without_lines(warnings(document, resolve(document)[0])) == [
        "analysis.clip.labels.shape[1]: the tokenizer of tiny-world-clip recognizes no word of 'звезда'; "
        "needed: words from its training data, or its probabilities mean little."
    ]
