from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from farm.analyze import Analyzer, columns_of, measure, open_analyzer
from farm.analyze.metrics import models
from farm.analyze.metrics.image import flicker, perceptual_change, rgb_change
from farm.analyze.metrics.models import ClipModel
from farm.records import AnalysisSpec, FrameSequence, Pixels, Values
from tests.analyze.conftest import PROMPTS, frame_sequence
from training.scenes import scene_at

Read = Callable[[str], Pixels]


@pytest.fixture(scope="module")
def analyzer(full_spec: AnalysisSpec) -> Analyzer:
    return open_analyzer(full_spec)


@pytest.fixture(scope="module")
def read(pictures: list[Pixels]) -> Read:
    return lambda name: pictures[int(name)]


@pytest.fixture(scope="module")
def measured(analyzer: Analyzer, read: Read) -> tuple[Values, ...]:
    return analyzer.measure(frame_sequence(range(12), of=12), read)


def test_every_frame_has_every_column_in_order_and_of_its_kind(
    full_spec: AnalysisSpec, measured: tuple[Values, ...]
) -> None:
    kinds = {"float": float, "text": str, "bool": bool}
    columns = columns_of(full_spec)
    assert len(measured) == 12
    for values in measured:
        assert list(values) == [column.name for column in columns]
        for column in columns:
            value = values[column.name]
            assert value is None or type(value) is kinds[column.kind], column.name


def test_only_columns_that_need_a_neighbour_are_missing_at_the_ends(measured: tuple[Values, ...]) -> None:
    missing = [{name for name, value in values.items() if value is None} for values in measured]
    assert missing[0] == {"rgb_change", "clip_change", "perceptual_change", "flicker"}
    assert missing[-1] == {"flicker"}
    assert not any(missing[1:-1])


@pytest.mark.parametrize("cuts", [(0, 5, 12), (0, 1, 2, 12), tuple(range(13))])
def test_a_frame_has_the_same_bits_in_any_sequence(
    analyzer: Analyzer, read: Read, measured: tuple[Values, ...], cuts: tuple[int, ...]
) -> None:
    parts = [
        analyzer.measure(frame_sequence(range(first, last), of=12), read) for first, last in pairwise(cuts)
    ]
    assert tuple(values for part in parts for values in part) == measured


def test_a_frame_has_the_same_bits_with_any_number_of_threads(
    analyzer: Analyzer, read: Read, measured: tuple[Values, ...]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert analyzer.measure(frame_sequence(range(12), of=12), read) == measured
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


def test_changes_are_from_the_frame_before_and_flicker_is_between_both(
    pictures: list[Pixels], measured: tuple[Values, ...]
) -> None:
    assert measured[4]["rgb_change"] == rgb_change(pictures[3], pictures[4])
    assert measured[4]["perceptual_change"] == perceptual_change(pictures[3], pictures[4])
    assert measured[4]["flicker"] == flicker(pictures[3], pictures[4], pictures[5])


def test_the_score_weighs_the_prompts_of_the_frame(
    analyzer: Analyzer, read: Read, measured: tuple[Values, ...]
) -> None:
    first, second = (measured[0][f"clip_similarity_{number}"] for number in (1, 2))
    assert measured[0]["clip_score"] == pytest.approx(0.25 * first + 0.75 * second)  # type: ignore[operator]
    alone = frame_sequence([0], of=12, weights=(3.0, 0.0))
    assert analyzer.measure(alone, read)[0]["clip_score"] == pytest.approx(first)
    nothing = frame_sequence([0], of=12, weights=(1.0, -1.0))
    assert analyzer.measure(nothing, read)[0]["clip_score"] is None


@torch.inference_mode()
def test_similarities_are_to_the_prompts_in_their_order_and_changes_in_the_space_of_clip(
    full_spec: AnalysisSpec, pictures: list[Pixels], measured: tuple[Values, ...]
) -> None:
    assert full_spec.clip is not None
    model = ClipModel(full_spec.clip.source)
    vectors = [model.encode_image(pixels) for pixels in pictures[:2]]
    for number, prompt in enumerate(PROMPTS, start=1):
        assert measured[0][f"clip_similarity_{number}"] == model.similarity(vectors[0], prompt)
    assert measured[1]["clip_change"] == pytest.approx(1 - float(vectors[0] @ vectors[1]))


def test_labels_of_a_group_sum_to_one_and_match_the_drawn_scenes(
    full_spec: AnalysisSpec, measured: tuple[Values, ...]
) -> None:
    assert full_spec.clip is not None
    for group, least in (("shape", 9), ("colour", 11)):
        one = next(each for each in full_spec.clip.groups if each.name == group)
        right = 0
        for index, values in enumerate(measured):
            probabilities = [values[column] for column in one.columns]
            assert sum(probabilities) == pytest.approx(1)  # type: ignore[arg-type]
            best = one.labels[int(np.argmax(probabilities))]  # type: ignore[arg-type]
            right += best == getattr(scene_at("held-out", 1, index), group)
        assert right >= least, f"{group}: {right} of 12"


def test_clip_selects_from_the_classes_of_the_classifier(measured: tuple[Values, ...]) -> None:
    for values in measured:
        shapes = {name: value for name, value in values.items() if name.startswith("clip_shape_")}
        assert f"clip_shape_{values['clip_class']}" == max(shapes, key=shapes.__getitem__)  # type: ignore[arg-type]


def test_ranks_beyond_the_number_of_classes_are_empty(full_spec: AnalysisSpec, read: Read) -> None:
    assert full_spec.classifier is not None
    spec = AnalysisSpec(clip=None, classifier=replace(full_spec.classifier, top_k=9), smoothness=False)
    (values,) = open_analyzer(spec).measure(frame_sequence([0], of=1), read)
    assert values["classifier_label_8"] is not None
    assert (values["classifier_label_9"], values["classifier_probability_9"]) == (None, None)


def test_smoothness_alone_loads_no_model_and_measures_no_change_to_another_size() -> None:
    spec = AnalysisSpec(clip=None, classifier=None, smoothness=True)
    sizes = [np.zeros((side, side, 3), dtype=np.uint8) for side in (16, 16, 24)]
    sizes[1][0, 0] = 255
    found = open_analyzer(spec).measure(frame_sequence(range(3), of=3), lambda name: sizes[int(name)])
    assert [values["blank"] for values in found] == [True, False, True]
    assert [values["rgb_change"] is None for values in found] == [True, False, True]
    assert [values["flicker"] for values in found] == [None, None, None]


def test_frames_of_a_jobs_folder_are_measured_by_their_file_names(
    full_spec: AnalysisSpec, tmp_path: Path, pictures: list[Pixels], measured: tuple[Values, ...]
) -> None:
    for number in range(3):
        Image.fromarray(pictures[number]).save(tmp_path / str(number), format="png")
    part: FrameSequence = frame_sequence(range(2), of=3)
    assert measure(full_spec, str(tmp_path), part) == measured[:2]


def test_jobs_with_one_model_and_other_prompts_load_it_once_and_encode_a_text_once(
    full_spec: AnalysisSpec, read: Read, measured: tuple[Values, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert full_spec.clip is not None
    assert full_spec.classifier is not None
    loaded: list[str] = []
    texts: list[str] = []
    encode = ClipModel._encode

    def counted(load: Callable[..., object]) -> Callable[..., object]:
        return lambda source, *rest: (loaded.append(source.pretrained), load(source, *rest))[1]

    def recording(self: ClipModel, text: str) -> torch.Tensor:
        texts.append(text)
        return encode(self, text)

    monkeypatch.setattr(models, "load_scoring_model", counted(models.load_scoring_model))
    monkeypatch.setattr(ClipModel, "_encode", recording)
    # Unique names, so that no other test has loaded them.
    clip = replace(full_spec.clip, source=replace(full_spec.clip.source, pretrained="this test's"))
    classifier = replace(
        full_spec.classifier, source=replace(full_spec.classifier.source, pretrained="this test's too")
    )
    one = replace(full_spec, clip=clip, classifier=classifier)
    other = replace(one, clip=replace(clip, prompts=("a red star", "a green moon"), groups=clip.groups[:1]))
    for _ in range(3):
        for spec in (one, other):
            found = open_analyzer(spec).measure(frame_sequence(range(3), of=12), read)
            assert [list(values) for values in found] == [[column.name for column in columns_of(spec)]] * 3
            if spec is one:
                assert found == measured[:3]
    assert loaded == ["this test's", "this test's too"]
    assert len(texts) == len(set(texts))


def test_concurrent_threads_do_not_change_a_bit(
    full_spec: AnalysisSpec, read: Read, measured: tuple[Values, ...]
) -> None:
    """As with two jobs rendered and measured in one process."""
    assert full_spec.clip is not None
    specs = [
        replace(full_spec, clip=replace(full_spec.clip, prompts=(*PROMPTS, f"prompt {n}"))) for n in range(12)
    ]
    alone = [
        open_analyzer(spec).measure(frame_sequence([5], of=12), read)[0]["clip_similarity_3"]
        for spec in specs[:4]
    ]

    def measure_again(spec: AnalysisSpec) -> tuple[Values, ...]:
        torch.set_num_threads(2)
        return open_analyzer(spec).measure(frame_sequence(range(12), of=12), read)

    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(measure_again, specs))
    finally:
        torch.set_num_threads(threads)
    assert [values[5]["clip_similarity_3"] for values in found[:4]] == alone
    for each in found:
        assert (
            tuple({name: values[name] for name in one} for values, one in zip(each, measured, strict=True))
            == measured
        )


def test_equal_pictures_have_exactly_zero_clip_change(
    full_spec: AnalysisSpec, pictures: list[Pixels]
) -> None:
    found = open_analyzer(full_spec).measure(
        frame_sequence(range(12), of=12), lambda name: pictures[int(name) // 2]
    )
    assert [values["clip_change"] for values in found[1::2]] == [0.0] * 6
