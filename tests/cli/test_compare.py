import json

import pytest

from tests.tampering import edit_rows

SEED = ("seed: 3", "seed: 4")


@pytest.fixture
def jobs(farm, write_manifest, tmp_path):
    """Two procedural jobs of 7 frames that took 0.25 s and 1 s per frame and differ in their seeds."""
    for name, changes, seconds in (("one", {}, 0.25), ("other", {"seed": SEED}, 1.0)):
        manifest = write_manifest(name, frames=7, **changes)
        assert farm("render", manifest, "--inline", "--procedural")[0] == 0
        edit_rows(
            tmp_path / "out" / f"{name}-rehearsal",
            range(7),
            lambda row, its=seconds: row.update(render_seconds=its),
        )
    return "out/one-rehearsal", "out/other-rehearsal"


def test_settings_cost_and_distances_are_shown_in_tables(farm, jobs, tmp_path):
    code, out, err = farm("compare", *jobs)
    assert (code, err) == (0, "")
    found = json.loads((tmp_path / "out/one-rehearsal-vs-other-rehearsal/comparison.json").read_text())
    sharp = [f"{found[side]['sharpness']:.0f}" for side in ("first", "second")]
    apart = [
        f"{found[kind]['mean']:.3f}  {found[kind]['max']:.3f}  {found[kind]['frame']}        "
        for kind in ("rgb", "perceptual")
    ]
    assert out.splitlines() == [
        "one-rehearsal and other-rehearsal: 7 of 7 frames",
        "",
        "                   one-rehearsal  other-rehearsal",
        "seed               3              4",
        "seconds per frame  0.25           1                one-rehearsal is 4.0 times as fast",
        f"sharpness          {sharp[0]:<13}  {sharp[1]:<15}  variance of the Laplacian",
        "",
        "distance    mean   max    at frame",
        f"RGB         {apart[0]} root mean square, as a fraction of the range",
        f"perceptual  {apart[1]} (1 - SSIM) / 2",
        "",
        "one-rehearsal is a rehearsal: its frames were drawn without its model.",
        "other-rehearsal is a rehearsal: its frames were drawn without its model.",
        "No CLIP scores: the jobs were not both measured with CLIP; use --clip NAME to measure now.",
        "",
        f"{tmp_path}/out/one-rehearsal-vs-other-rehearsal",
        "  comparison.json",
        "  side_by_side.png",
    ]


def test_clip_scores_are_measured_with_the_model_named_by_clip(farm, jobs):
    code, out, _ = farm("compare", *jobs, "--clip", "tiny-world-clip", "--json")
    found = json.loads(out)
    assert (code, found["clip"]) == (0, "tiny-world-clip")
    scores = [f"{found[side]['clip_score']:.3f}" for side in ("first", "second")]
    _, out, _ = farm("compare", *jobs, "--clip", "tiny-world-clip")
    assert f"CLIP score         {scores[0]:<13}  {scores[1]:<15}  with tiny-world-clip\n" in out


def test_json_output_equals_the_file(farm, jobs, tmp_path):
    code, out, _ = farm("compare", *jobs, "--json", "--output", "here")
    assert code == 0
    assert out == (tmp_path / "here" / "comparison.json").read_text()


def test_missing_frames_are_listed_and_exit_with_3(farm, jobs, tmp_path):
    (tmp_path / jobs[0] / ".farm" / "ledger" / "frame000000-000003.jsonl").unlink()
    code, out, _ = farm("compare", *jobs)
    assert code == 3
    assert out.startswith("one-rehearsal and other-rehearsal: 3 of 7 frames\n")
    assert "\none-rehearsal lacks frames 0-3: not rendered.\n" in out


def test_jobs_with_equal_settings_are_reported_as_such(farm, jobs, write_manifest):
    farm("render", write_manifest("twin", frames=7), "--inline", "--procedural")
    _, out, _ = farm("compare", jobs[0], "out/twin-rehearsal")
    assert "\nThe settings are the same.\n" in out


def test_jobs_with_different_frame_counts_are_refused(farm, jobs, write_manifest):
    farm("render", write_manifest("longer", frames=9), "--inline", "--procedural")
    code, out, err = farm("compare", jobs[0], "out/longer-rehearsal")
    assert (code, out) == (2, "")
    assert err == (
        "one-rehearsal and longer-rehearsal: cannot be compared frame by frame: one-rehearsal has 7 frames, "
        "longer-rehearsal has 9. Compare jobs with equal prompts and frame count, such as one manifest rendered "
        "with different --set options.\n"
    )


def test_a_revision_without_a_model_is_refused(farm, jobs):
    assert farm("compare", *jobs, "--revision", "a" * 40) == (
        2,
        "",
        "--revision is the commit of the model in --clip; give both.\n",
    )
