from __future__ import annotations

from pathlib import Path

import pytest

from farm.manifest import to_yaml
from farm.manifest.analysis import Analysis, Classifier
from farm.records import LabelGroup
from farm.rules.load import load, parse

CLIP = "analysis: {{clip: {{pretrained: tiny-world-clip, {}}}}}"


def _analysis(valid: str, change: str) -> Analysis | None:
    manifest = parse(valid + change, Path("doggo.yaml")).manifest
    assert parse(to_yaml(manifest), Path("doggo.yaml")).manifest == manifest
    return manifest.analysis


@pytest.mark.parametrize("change", ["", "analysis: null", "analysis: false"])
def test_without_the_section_nothing_is_measured(valid: str, change: str) -> None:
    assert _analysis(valid, change) is None


@pytest.mark.parametrize(
    "change", ["analysis: true", "analysis: {}", "analysis: {clip: null, classifier: false}"]
)
def test_an_empty_section_measures_smoothness_alone(valid: str, change: str) -> None:
    assert _analysis(valid, change) == Analysis(clip=None, classifier=None, smoothness=True)


def test_true_means_the_default_classifier_at_its_commit(valid: str) -> None:
    analysis = _analysis(valid, "analysis: {classifier: true}")
    assert analysis is not None
    assert analysis.classifier == Classifier(
        pretrained="microsoft/resnet-50", revision="34c2154c194f829b11125337b98c8f5f9965ff19", top_k=5
    )


def test_the_default_commit_is_that_of_the_default_classifier_only(valid: str) -> None:
    analysis = _analysis(valid, "analysis: {classifier: {pretrained: tiny-world-resnet, top_k: 3}}")
    assert analysis is not None
    assert analysis.classifier == Classifier(pretrained="tiny-world-resnet", revision=None, top_k=3)


def test_the_prompt_for_a_label_is_the_template_or_its_own_text(valid: str) -> None:
    change = CLIP.format("labels: {animal: [cat, {dog: a small dog}], place: [indoors, outdoors]}")
    analysis = _analysis(valid, change)
    assert analysis is not None
    assert analysis.clip is not None
    assert analysis.clip.groups == (
        LabelGroup(name="animal", labels=("cat", "dog"), texts=("a photo of cat", "a small dog")),
        LabelGroup(
            name="place", labels=("indoors", "outdoors"), texts=("a photo of indoors", "a photo of outdoors")
        ),
    )
    assert analysis.clip.class_template == "a photo of {label}"


def test_one_template_is_for_all_groups_and_for_the_classifiers_classes(valid: str) -> None:
    analysis = _analysis(
        valid, CLIP.format("labels: {animal: [cat, dog]}, template: 'a {label}, {label} {0}'")
    )
    assert analysis is not None
    assert analysis.clip is not None
    assert analysis.clip.groups[0].texts == ("a cat, cat {0}", "a dog, dog {0}")
    assert analysis.clip.class_template == "a {label}, {label} {0}"


def test_a_template_of_a_group_leaves_the_others_their_default(valid: str) -> None:
    change = CLIP.format("labels: {animal: [cat, dog], place: [sea, sky]}, template: {place: 'the {label}'}")
    analysis = _analysis(valid, change)
    assert analysis is not None
    assert analysis.clip is not None
    texts = [group.texts for group in analysis.clip.groups]
    assert texts == [("a photo of cat", "a photo of dog"), ("the sea", "the sky")]
    assert analysis.clip.class_template == "a photo of {label}"


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ("analysis: 5", ["analysis: found 5; allowed: a map."]),
        ("analysis: {smoothness: 1}", ["analysis.smoothness: found 1; allowed: true or false."]),
        (
            "analysis: {clip: true}",
            [
                "analysis.clip.pretrained: missing; needed: any `CLIPModel`: a hub id (`org/name`), a local folder, "
                "or the name of a shipped checkpoint."
            ],
        ),
        (
            "analysis: {classifier: {top_k: 0}, clap: 3}",
            [
                "analysis.classifier.top_k: found 0; allowed: a whole number from 1 to 100.",
                "analysis.clap: unknown key (did you mean 'clip'?); analysis takes clip, classifier, smoothness.",
            ],
        ),
        (
            "analysis: {clip: {pretrained: a/b}, classifier: {pretrained: c/d}}",
            [
                "analysis.clip.revision: missing; needed: the full commit of a/b, since pictures would change "
                "with a branch. Take one from https://huggingface.co/a/b/commits/main.",
                "analysis.classifier.revision: missing; needed: the full commit of c/d, since pictures would change "
                "with a branch. Take one from https://huggingface.co/c/d/commits/main.",
            ],
        ),
        (
            CLIP.format("labels: {animal: [cat]}"),
            ["analysis.clip.labels.animal: found a list of 1; allowed: at least 2."],
        ),
        (
            CLIP.format("labels: {animal: [cat, 5, {}]}"),
            [
                "analysis.clip.labels.animal[1]: found 5; allowed: a label, or a map of one label to its text, such "
                "as {cat: a small cat}.",
                "analysis.clip.labels.animal[2]: found an empty map; allowed: at least 1.",
            ],
        ),
        (
            CLIP.format("labels: {animal: [Great Dane, cat, {great-dane: a dog}, '!?']}"),
            [
                "analysis.clip.labels.animal[2]: the column clip_animal_great_dane is already used by 'Great Dane' of "
                "'animal'; allowed: labels that differ in a letter or digit.",
                "analysis.clip.labels.animal[3]: found '!?'; needed: a letter or digit, for the name of its column.",
            ],
        ),
        (
            CLIP.format("labels: {a: [b c, d], a b: [c, e]}"),
            [
                "analysis.clip.labels.a b[0]: the column clip_a_b_c is already used by 'b c' of 'a'; allowed: labels "
                "that differ in a letter or digit."
            ],
        ),
        (
            CLIP.format("labels: {animal: [cat, dog], Animal: [cat, dog], similarity: [a, b], '!': [a, b]}"),
            [
                "analysis.clip.labels.Animal: the columns of 'Animal' would be named like those of 'animal'; allowed: "
                "names that differ in a letter or digit.",
                "analysis.clip.labels.similarity: the columns of 'similarity' would be named like those of prompts; "
                "allowed: any other name.",
                "analysis.clip.labels.!: found '!'; needed: a letter or digit, for the names of its columns.",
            ],
        ),
        (
            CLIP.format(
                "labels: {animal: [cat, {dog: a photo of cat}], place: [{sea: water}, {lake: water}, sky]}"
            ),
            [
                "analysis.clip.labels.animal[1]: its text 'a photo of cat' is already that of 'cat'; needed: a "
                "different text, since labels with the same text cannot be distinguished.",
                "analysis.clip.labels.place[1]: its text 'water' is already that of 'sea'; needed: a different "
                "text, since labels with the same text cannot be distinguished.",
            ],
        ),
        (
            CLIP.format("labels: {animal: [cat, {dog: a cat}]}, template: {animal: 'a {label}'}"),
            [
                "analysis.clip.labels.animal[1]: its text 'a cat' is already that of 'cat'; needed: a different "
                "text, since labels with the same text cannot be distinguished."
            ],
        ),
        (
            "analysis: {smoothness: false}",
            ["analysis: nothing is measured; needed: clip, classifier or smoothness; or analysis: null."],
        ),
        (
            "analysis: {clip: null, classifier: false, smoothness: false}",
            ["analysis: nothing is measured; needed: clip, classifier or smoothness; or analysis: null."],
        ),
        (
            CLIP.format("labels: {animal: [cat, dog]}, template: a photo"),
            [
                "analysis.clip.template: found 'a photo'; allowed: text that contains {label}, such as: a photo of "
                "{label}."
            ],
        ),
        (
            CLIP.format("labels: {animal: [cat, dog]}, template: {animals: 'a {label}'}"),
            [
                "analysis.clip.template.animals: there is no group 'animals' (did you mean 'animal'?); allowed: animal."
            ],
        ),
        (
            CLIP.format("template: 7"),
            [
                "analysis.clip.template: found 7; allowed: text that contains {label}, or a map of group to such text."
            ],
        ),
    ],
)
def test_mistakes_are_reported_at_their_field(problems, change: str, messages: list[str]) -> None:
    lines = problems(change=change)
    assert [line.split(": ", 1)[1] for line in lines] == messages
    assert all(line.startswith("doggo.yaml:10:") for line in lines)


def test_mistakes_in_the_section_and_in_others_are_reported_together(problems) -> None:
    change = CLIP.format("labels: {animal: [cat, Cat]}, revision: main") + "\nseed: -1\n"
    assert [line.split(": ")[1] for line in problems(change=change)] == [
        "analysis.clip.labels.animal[1]",
        "analysis.clip.revision",
        "seed",
    ]


def test_a_folder_that_looks_like_a_hub_id_needs_no_commit(valid: str, tmp_path: Path) -> None:
    (tmp_path / "judges" / "clip").mkdir(parents=True)
    manifest = tmp_path / "doggo.yaml"
    manifest.write_text(valid + "analysis: {clip: {pretrained: judges/clip}}")
    analysis = load(manifest).manifest.analysis
    assert analysis is not None
    assert analysis.clip is not None
    assert analysis.clip.pretrained == "./judges/clip"


def test_labels_of_two_groups_may_have_one_text(valid: str) -> None:
    labels = "labels: {animal: [{cat: a cat}, dog], pet: [{cat: a cat}, none]}"
    assert _analysis(valid, CLIP.format(labels)) is not None


def test_an_analysis_may_use_a_model_alone(valid: str) -> None:
    assert _analysis(valid, "analysis: {classifier: true, smoothness: false}") is not None


def test_columns_are_named_in_any_script() -> None:
    group = LabelGroup(name="Tiere & Wesen", labels=("Große Katze", "犬", "ﬁsh_2"), texts=("", "", ""))
    assert group.columns == (
        "clip_tiere_wesen_grosse_katze",
        "clip_tiere_wesen_犬",
        "clip_tiere_wesen_fish_2",
    )
