import json

import pytest

from tests.tampering import edit_rows

SEED = ("seed: 3", "seed: 4")


@pytest.fixture
def jobs(farm, write_manifest, tmp_path):
    """Two rehearsals of 7 frames that took a quarter of a second and a whole one each, and differ in their seeds."""
    for name, changes, seconds in (("one", {}, 0.25), ("other", {"seed": SEED}, 1.0)):
        manifest = write_manifest(name, frames=7, **changes)
        assert farm("render", manifest, "--inline", "--procedural")[0] == 0
        edit_rows(
            tmp_path / "out" / f"{name}-rehearsal",
            range(7),
            lambda row, its=seconds: row.update(render_seconds=its),
        )
    return "out/one-rehearsal", "out/other-rehearsal"


def test_what_differs_what_it_costs_and_what_it_changes_is_told_in_tables(farm, jobs, tmp_path):
    code, out, err = farm("compare", *jobs)
    assert (code, err) == (0, "")
    told = json.loads((tmp_path / "out/one-rehearsal-vs-other-rehearsal/comparison.json").read_text())
    sharp = [f"{told[side]['sharpness']:.0f}" for side in ("first", "second")]
    apart = [
        f"{told[kind]['mean']:.3f}  {told[kind]['max']:.3f}  {told[kind]['frame']}        "
        for kind in ("rgb", "perceptual")
    ]
    assert out.splitlines() == [
        "one-rehearsal against other-rehearsal: 7 of 7 frames",
        "",
        "                 one-rehearsal  other-rehearsal",
        "seed             3              4",
        "seconds a frame  0.25           1                one-rehearsal is 4.0 times as fast",
        f"sharpness        {sharp[0]:<13}  {sharp[1]:<15}  variance of the Laplacian",
        "",
        "apart       mean   most   at frame",
        f"RGB         {apart[0]} root mean square, of the range",
        f"perceptual  {apart[1]} (1 - SSIM) / 2",
        "",
        "one-rehearsal is a rehearsal: its frames were drawn without its model.",
        "other-rehearsal is a rehearsal: its frames were drawn without its model.",
        "No CLIP scores: not both jobs were measured with CLIP; --clip NAME measures now.",
        "",
        f"{tmp_path}/out/one-rehearsal-vs-other-rehearsal",
        "  comparison.json",
        "  side_by_side.png",
    ]


def test_clip_scores_are_measured_with_the_model_that_is_named(farm, jobs):
    code, out, _ = farm("compare", *jobs, "--clip", "tiny-world-clip", "--json")
    told = json.loads(out)
    assert (code, told["clip"]) == (0, "tiny-world-clip")
    scores = [f"{told[side]['clip_score']:.3f}" for side in ("first", "second")]
    _, out, _ = farm("compare", *jobs, "--clip", "tiny-world-clip")
    assert f"CLIP score       {scores[0]:<13}  {scores[1]:<15}  by tiny-world-clip\n" in out


def test_json_is_what_the_file_holds(farm, jobs, tmp_path):
    code, out, _ = farm("compare", *jobs, "--json", "--output", "here")
    assert code == 0
    assert out == (tmp_path / "here" / "comparison.json").read_text()


def test_missing_frames_are_told_and_exit_with_3(farm, jobs, tmp_path):
    (tmp_path / jobs[0] / ".farm" / "ledger" / "frame000000-000003.jsonl").unlink()
    code, out, _ = farm("compare", *jobs)
    assert code == 3
    assert out.startswith("one-rehearsal against other-rehearsal: 3 of 7 frames\n")
    assert "\none-rehearsal lacks frames 0-3: not rendered.\n" in out


def test_jobs_of_one_setting_are_told_to_be_so(farm, jobs, write_manifest):
    farm("render", write_manifest("twin", frames=7), "--inline", "--procedural")
    _, out, _ = farm("compare", jobs[0], "out/twin-rehearsal")
    assert "\nNo setting differs.\n" in out


def test_jobs_that_cannot_be_compared_are_refused(farm, jobs, write_manifest):
    farm("render", write_manifest("longer", frames=9), "--inline", "--procedural")
    code, out, err = farm("compare", jobs[0], "out/longer-rehearsal")
    assert (code, out) == (2, "")
    assert err == (
        "one-rehearsal and longer-rehearsal: cannot be compared frame by frame: one-rehearsal has 7 frames, "
        "longer-rehearsal has 9. Compare jobs of the same prompts and frame count, such as one manifest rendered with "
        "two --set.\n"
    )


def test_a_revision_alone_is_refused(farm, jobs):
    assert farm("compare", *jobs, "--revision", "a" * 40) == (
        2,
        "",
        "--revision is the commit of the model that --clip names; give both.\n",
    )
