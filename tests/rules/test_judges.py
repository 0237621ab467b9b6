"""Labels that the analysis' CLIP model cannot read, and judges that are not here, are remarked upon."""

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
def remarked(tmp_path):
    def remarked(**analysis):
        manifest = {
            "version": 1,
            "name": "judged",
            "model": {"pipeline": "StableDiffusionPipeline", "pretrained": "tiny-world"},
            "animation": {"kind": "stills", "prompts": ["a red star"]},
            "analysis": analysis,
        }
        path = tmp_path / "judged.yaml"
        path.write_text(json.dumps(manifest, ensure_ascii=False))
        document = load(path)
        context = Context(manifest=document.manifest, inputs=resolve(document)[0])
        found = problems_of(document, scoring_model_warnings(context))
        return [str(problem).partition(": ")[2] for problem in found]

    return remarked


def _clip(labels, **more):
    return {"pretrained": "tiny-world-clip", "labels": labels, **more}


def test_labels_that_are_read_and_known_are_not_remarked_upon(remarked):
    labels = {"shape": ["star", "heart"], "background": [{"sea": "in the sea"}, "at the beach"]}
    assert remarked(clip=_clip(labels, template="a {label}")) == []
    assert remarked(smoothness=True) == []


def test_a_truncated_label_is_reported_with_its_unread_text(remarked):
    labels = {"shape": ["star", {"heart": " ".join(["heart"] * 30) + " in the Sea"}]}
    assert remarked(clip=_clip(labels)) == [
        "analysis.clip.labels.shape[1]: its text has 33 tokens, of which tiny-world-clip reads 30; unread: 'in the "
        "Sea'."
    ]


def test_a_label_is_cut_with_its_template(remarked):
    labels = {"shape": ["star", {"heart": "a heart"}]}
    [told] = remarked(clip=_clip(labels, template="star " * 30 + "{label}"))
    assert told == (
        "analysis.clip.labels.shape[0]: its text has 31 tokens, of which tiny-world-clip reads 30; unread: 'star'."
    )


def test_a_label_of_which_no_word_is_known_is_told_whatever_the_template(remarked):
    labels = {"shape": ["star", "звезда", {"zebra": "a zebra"}]}
    mean = "needed: words from its training data, or its probabilities mean little."
    assert remarked(clip=_clip(labels, template="a red {label}")) == [
        f"analysis.clip.labels.shape[1]: the tokenizer of tiny-world-clip does not know any word of 'звезда'; {mean}",
        f"analysis.clip.labels.shape[2]: the tokenizer of tiny-world-clip does not know any word of 'a zebra'; {mean}",
    ]


def test_a_judge_that_is_not_here_is_told_where_the_hub_may_not_be_asked(remarked, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    both = {"clip": {"pretrained": "a/b", "revision": COMMIT}, "classifier": True}
    found = "not in this machine's hub cache, and HF_HUB_OFFLINE forbids fetching it"
    assert remarked(**both) == [
        f"analysis.clip.pretrained: {found}; needed where frames are measured: hf download a/b --revision {COMMIT}.",
        f"analysis.classifier.pretrained: {found}; needed where frames are measured: hf download microsoft/resnet-50 "
        f"--revision {COMMIT}.",
    ]
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert remarked(**both) == []


def test_a_judge_in_the_cache_is_not_remarked_upon(remarked, monkeypatch, tmp_path):
    (tmp_path / "hub" / "models--microsoft--resnet-50" / "snapshots" / COMMIT).mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert remarked(classifier=RESNET) == []


def test_a_judge_that_cannot_be_found_is_left_to_those_who_refuse_it(remarked):
    assert remarked(classifier={"pretrained": "./nowhere"}) == []


def test_judges_are_remarked_upon_with_all_else(written, without_lines):
    analysis = "analysis: {clip: {pretrained: tiny-world-clip, labels: {shape: [star, звезда]}}}"
    document = written("StableDiffusionPipeline", "@sd", more=analysis)
    assert without_lines(warnings(document, resolve(document)[0])) == [
        "analysis.clip.labels.shape[1]: the tokenizer of tiny-world-clip does not know any word of 'звезда'; "
        "needed: words from its training data, or its probabilities mean little."
    ]
