import json

import pytest

from farm import models
from farm.errors import UsageError
from farm.results.compare import compare
from farm.results.compare_frames import find_clip
from tests.results.compare.conftest import CLIP
from tests.tampering import edit_rows

SEED = ("seed: 3", "seed: 4")


def scored(first, second, **options):
    found = compare(str(first), str(second), **options)
    remarks = [remark for remark in found.remarks if "rehearsal:" not in remark]
    return found.clip, (found.first.clip_score, found.second.clip_score), remarks


def test_scores_from_both_analyses_equal_those_measured_now(rehearse):
    jobs = rehearse("one", analysis=CLIP), rehearse("other", SEED, analysis=CLIP)
    model, scores, remarks = scored(*jobs)
    assert model == "tiny-world-clip"
    assert None not in scores
    assert remarks == []
    assert scored(*jobs, clip=find_clip("tiny-world-clip", None)) == (model, pytest.approx(scores), [])


def test_without_both_analyses_scores_are_measured_only_with_a_model(rehearse):
    jobs = rehearse("one", analysis=CLIP), rehearse("other", SEED)
    assert scored(*jobs) == (
        "",
        (None, None),
        ["No CLIP scores: the jobs were not both measured with CLIP; use --clip NAME to measure now."],
    )
    model, scores, _ = scored(*jobs, clip=find_clip("tiny-world-clip", None))
    assert (model, None in scores) == ("tiny-world-clip", False)


def test_scores_by_two_models_are_not_compared(rehearse, tmp_path):
    copy = tmp_path / "my-clip"
    copy.symlink_to(models.find("tiny-world-clip").path)
    jobs = (
        rehearse("one", analysis=CLIP),
        rehearse("other", analysis=CLIP.replace("tiny-world-clip", str(copy))),
    )
    assert scored(*jobs) == (
        "",
        (None, None),
        [
            f"No CLIP scores: the jobs were measured with different models, tiny-world-clip and {copy}; "
            "use --clip NAME to measure now."
        ],
    )


def test_scores_of_changed_pictures_are_ignored(rehearse):
    jobs = rehearse("one", analysis=CLIP), rehearse("other", SEED, analysis=CLIP)
    edit_rows(jobs[0], [0], lambda row: row.update(content_sha256="0" * 64))
    _, scores, remarks = scored(*jobs)
    assert scores[0] is None
    assert remarks == ["CLIP scores cover 0 and 7 of 7 frames; --clip NAME measures all."]


def test_a_missing_model_is_refused():
    with pytest.raises(UsageError) as raised:
        find_clip("openai/clip-vit-base-patch32", None)
    assert str(raised.value) == (
        "--clip openai/clip-vit-base-patch32: there is no checkpoint 'openai/clip-vit-base-patch32'; needed: a "
        "CLIPModel: a hub id with its commit as --revision, a folder, or a shipped checkpoint, which farm models lists."
    )


def test_a_model_other_than_clip_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "resnet"}))
    with pytest.raises(
        UsageError, match=r"its config.json is that of a model of type 'resnet', not 'clip'; needed: "
    ):
        find_clip(str(tmp_path), None)
