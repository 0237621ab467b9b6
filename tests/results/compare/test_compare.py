import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from farm.analyze import image_difference, sharpness
from farm.errors import StorageError
from farm.reduce import FrameRange
from farm.results.compare import compare
from farm.results.compare_frames import ChangedSetting
from farm.store import file_name
from tests.results.verify.verifying import files
from tests.tampering import as_if_rendered_so, edit_rows, flip_pixel

SEED = ("seed: 3", "seed: 4")


@pytest.fixture
def jobs(rehearse):
    """Two jobs with different seeds, so with different pictures."""
    return rehearse("one"), rehearse("other", SEED)


def pixels(folder, frame):
    return np.asarray(Image.open(folder / file_name(frame)))


def compared(first, second, **options):
    return compare(str(first), str(second), **options)


def test_settings_seconds_sharpness_and_distances_are_compared(jobs):
    for folder, seconds in zip(jobs, ([1, 2, 9, 2, 2, 1, 9], [4] * 7), strict=True):
        edit_rows(folder, range(7), lambda row, its=seconds: row.update(render_seconds=its[row["frame"]]))
    found = compared(*jobs)
    assert (found.planned, found.compared, found.exit_code) == (7, 7, 0)
    assert found.settings == (ChangedSetting(field="seed", first=3, second=4),)
    assert (found.first.seconds_per_frame, found.second.seconds_per_frame) == (2, 4)
    pairs = [[pixels(folder, frame) for folder in jobs] for frame in range(7)]
    assert found.second.sharpness == pytest.approx(np.mean([sharpness(pair[1]) for pair in pairs]))
    distances = [image_difference(*pair) for pair in pairs]
    for distance, measure in ((found.rgb, "rgb"), (found.perceptual, "perceptual")):
        values = [getattr(each, measure) for each in distances]
        assert (distance.mean, distance.max, distance.frame) == (
            pytest.approx(np.mean(values)),
            max(values),
            values.index(max(values)),
        )
        assert distance.mean > 0


def test_a_setting_that_changes_no_picture_gives_no_distance(rehearse):
    """The number of steps does not change a rehearsal."""
    found = compared(rehearse("one"), rehearse("other", ("num_inference_steps: 5", "num_inference_steps: 9")))
    assert [setting.field for setting in found.settings] == ["render.num_inference_steps"]
    assert (found.rgb.max, found.perceptual.max) == (0, pytest.approx(0, abs=1e-6))


def test_results_are_next_to_the_first_job_and_both_jobs_are_unchanged(jobs):
    before = [files(folder) for folder in jobs]
    found = compared(*jobs)
    folder = jobs[0].parent / "one-rehearsal-vs-other-rehearsal"
    assert found.folder == str(folder)
    assert {path.name for path in folder.iterdir()} == {"comparison.json", "side_by_side.png"}
    assert json.loads((folder / "comparison.json").read_text()) == json.loads(
        json.dumps(dataclasses.asdict(found))
    )
    assert [files(folder) for folder in jobs] == before


def test_results_are_written_to_the_given_folder(jobs, tmp_path):
    compared(*jobs, output=str(tmp_path / "here"))
    assert (tmp_path / "here" / "side_by_side.png").is_file()
    assert len(list(jobs[0].parent.iterdir())) == 2


def test_missing_frames_are_listed_and_the_others_compared(jobs):
    (jobs[0] / file_name(1)).unlink()
    flip_pixel(jobs[1], 2)
    (jobs[1] / ".farm" / "ledger" / "frame000004-000006.jsonl").unlink()
    found = compared(*jobs)
    assert (found.compared, found.exit_code) == (2, 3)
    assert found.first.missing == (FrameRange(first=1, last=1, reason="file missing"),)
    assert found.second.missing == (
        FrameRange(first=2, last=2, reason="file changed since it was written"),
        FrameRange(first=4, last=6, reason="not rendered"),
    )


def test_jobs_without_common_frames_are_refused(jobs):
    for folder, missing in zip(jobs, (range(4), range(4, 7)), strict=True):
        for frame in missing:
            (folder / file_name(frame)).unlink()
    with pytest.raises(StorageError) as raised:
        compared(*jobs)
    assert str(raised.value) == (
        "one-rehearsal and other-rehearsal: no frames in common; farm inspect lists the missing frames of each."
    )


def test_frames_of_two_sizes_have_no_distance(rehearse):
    found = compared(rehearse("one"), rehearse("other", ("height: 16", "height: 24")))
    assert (found.rgb, found.perceptual) == (None, None)
    assert found.first.sharpness > 0
    assert "7 of 7 frames differ in size; distances cover the others." in found.remarks


def test_remarks_warn_about_limits_of_the_comparison(jobs):
    edit_rows(jobs[1], range(7), lambda row: row.update(device="NVIDIA H100"))
    assert compared(*jobs).remarks == (
        "one-rehearsal is a rehearsal: its frames were drawn without its model.",
        "other-rehearsal is a rehearsal: its frames were drawn without its model.",
        "The jobs were rendered on cpu and NVIDIA H100, which also affects seconds per frame.",
        "No CLIP scores: the jobs were not both measured with CLIP; use --clip NAME to measure now.",
    )


def test_progress_is_reported_frame_by_frame(jobs):
    progress = []
    compared(*jobs, on_progress=lambda *counts: progress.append(counts))
    assert progress == [(frame, 7) for frame in range(1, 8)]


def test_the_sheet_shows_evenly_spaced_frames_and_the_most_different(rehearse, monkeypatch):
    sheets = []
    monkeypatch.setattr(
        "farm.results.compare.save_side_by_side",
        lambda path, *contents: (sheets.append(contents), path.touch()),
    )
    one, other = rehearse("one", frames=21), rehearse("other", frames=21)
    as_if_rendered_so(other, 4, by=128)
    found = compared(one, other)
    [(title, labels, pairs)] = sheets
    assert title == "one-rehearsal above other-rehearsal; numbers: perceptual distance, (1 - SSIM) / 2"
    assert labels == ("one-rehearsal", "other-rehearsal")
    largest = found.perceptual.max
    assert [pair.caption for pair in pairs] == [
        *("frame 0: 0.000", "frame 3: 0.000", f"frame 4: {largest:.3f}, maximum", "frame 6: 0.000"),
        *("frame 9: 0.000", "frame 11: 0.000", "frame 14: 0.000", "frame 17: 0.000", "frame 20: 0.000"),
    ]
