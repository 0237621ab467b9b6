"""Alphas chosen by a pilot, with a renderer whose pictures change suddenly at a third of the way."""

import dataclasses
import json
import math
import shutil

import pytest

from farm.analyze import measure
from farm.errors import ManifestError, RenderError
from farm.events import ChunkDone, JobFinished, JobStarted
from farm.execute import InlineExecutor, RetryPolicy
from farm.execute.retry_policy import Cause
from farm.plan.pacing import unevenness
from farm.records import AnalysisSpec, FrameSequence
from farm.results import Verdict, job_to_verify, verify
from farm.results.measurements import analyzed_frame
from farm.rules.load import load
from farm.run import prepare, render
from farm.store import FolderLock, JobFolder, Ledger
from tests.pictures import draw, save_sequence
from tests.results.verify.verifying import Renderers, quiet

FRAMES = 24
ANIMATION = "{kind: interpolate, prompts: [a, b, c], frames: 21}"
PILOT = "job (pilot)"


class Sudden(Renderers):
    """Opens renderers whose pictures look like the start until a third of the way, and like c after it."""

    def __call__(self, spec):
        renderer = super().__call__(spec)
        draw = renderer.render
        renderer.render = lambda chunk: draw(
            dataclasses.replace(chunk, frames=tuple(map(_bent, chunk.frames)))
        )
        return renderer


def _bent(frame):
    share = 1 / (1 + math.exp(-60 * (frame.alpha - 1 / 3)))
    conditioning = dataclasses.replace(
        frame.recipe.conditioning, prompts=("a", "c"), weights=(1 - share, share)
    )
    return dataclasses.replace(frame, recipe=dataclasses.replace(frame.recipe, conditioning=conditioning))


@pytest.fixture
def even(write_manifest):
    """Write a manifest whose alphas a pilot chooses, with pictures large enough to measure."""

    def write(name="job", *, pacing="perceptual", **replaced):
        animation = f"{{kind: interpolate, prompts: [a, b, c], frames: {FRAMES}, pacing: {pacing}}}"
        replaced.setdefault("size", ("height: 16, width: 16", "height: 64, width: 64"))
        replaced.setdefault("films", ("mp4: {fps: 10}", "mp4: false, report: false"))
        return write_manifest(name, animation=(ANIMATION, animation), **replaced)

    return write


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder for the output of one run."""
    return tmp_path_factory.mktemp("finished")


@pytest.fixture
def piloted(even, finished, tmp_path):
    """Leave the output of a finished run of the manifest in the test's folder."""
    if not any(finished.iterdir()):
        run(even(), output_dir=finished)
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)


def run(*paths, output_dir, renderers=None, on_event=quiet):
    jobs = [prepare(path, output_dir=str(output_dir), procedural=True) for path in paths]
    with InlineExecutor(open_renderer=renderers or Sudden()) as executor:
        return render(jobs, executor, on_event)


def folder_in(output_dir, name="job"):
    return output_dir / f"{name}-rehearsal"


def contents(folder):
    return [row.content_sha256 for row in Ledger(JobFolder(str(folder))).rows()]


def changes(path, output_dir):
    """Return the visible changes from frame to frame."""
    job = prepare(path, output_dir=str(output_dir), procedural=True)
    frames = tuple(analyzed_frame(job.plan.frame(row.frame), row) for row in Ledger(job.folder).rows())
    spec = AnalysisSpec(clip=None, classifier=None, smoothness=True)
    values = measure(spec, job.folder.url, FrameSequence(frames=frames, before=None, after=None))
    return [math.sqrt(2 * each["perceptual_change"]) for each in values[1:]]


def chosen(output_dir):
    return json.loads((folder_in(output_dir) / ".farm" / "pacing.json").read_text())


class Stop:
    """Presses Ctrl-C once, at the first matching event."""

    def __init__(self, fits):
        self._fits = fits

    def __call__(self, event):
        if self._fits and self._fits(event):
            self._fits = None
            raise KeyboardInterrupt


def test_frames_of_a_paced_job_differ_evenly(even, tmp_path):
    uniform, paced = even("one", pacing="uniform"), even("two")
    run(uniform, paced, output_dir=tmp_path)
    before, after = unevenness(changes(uniform, tmp_path)), unevenness(changes(paced, tmp_path))
    assert before > 1
    assert after < before / 4


def test_every_pilot_frame_is_measured_and_a_pilot_has_at_most_as_many_frames_as_the_job(piloted, tmp_path):
    tried = [pilot_frame["alpha"] for pilot_frame in chosen(tmp_path)["pilot"]]
    assert tried == sorted(set(tried))
    assert {0.0, 0.5, 1.0} <= set(tried)
    assert len(contents(folder_in(tmp_path) / ".farm" / "pilot")) == len(tried) <= FRAMES
    assert len(tried) % 4 == 0


def test_a_pilot_is_reported_as_a_separate_job_before_its_job(even, tmp_path):
    events = []
    run(even(), output_dir=tmp_path, on_event=events.append)
    reported = [event for event in events if isinstance(event, JobStarted | JobFinished)]
    assert reported == [
        JobStarted(job=PILOT, frame_count=FRAMES, kept=0),
        JobFinished(job=PILOT, state="done"),
        JobStarted(job="job", frame_count=FRAMES, kept=0),
        JobFinished(job="job", state="done"),
    ]


def test_a_jobs_manifest_renders_the_same_frames_anywhere_without_a_pilot(even, tmp_path):
    run(even(), output_dir=tmp_path / "here")
    resolved = folder_in(tmp_path / "here") / "manifest.yaml"
    animation = load(resolved).manifest.animation
    assert (animation.pacing, animation.frames) == ("perceptual", FRAMES)
    assert list(animation.alphas) == chosen(tmp_path / "here")["alphas"]
    run(resolved, output_dir=tmp_path / "there")
    assert contents(folder_in(tmp_path / "there")) == contents(folder_in(tmp_path / "here"))
    assert not (folder_in(tmp_path / "there") / ".farm" / "pilot").exists()


def test_a_second_run_renders_nothing(even, piloted, tmp_path):
    renderers = Sudden()
    [summary] = run(even(), output_dir=tmp_path, renderers=renderers)
    assert (renderers.calls, summary.frames.kept, summary.state) == ([], FRAMES, "done")


def test_every_frame_of_a_paced_job_passes_verification(piloted, tmp_path):
    job = job_to_verify(str(folder_in(tmp_path)))
    found = verify(job, InlineExecutor(open_renderer=Sudden()), quiet)
    assert [(each.first, each.last, each.verdict) for each in found.findings] == [
        (0, FRAMES - 1, Verdict.IDENTICAL)
    ]


def test_a_killed_pilot_resumes_and_chooses_the_same_alphas(even, tmp_path):
    whole, first, second = Sudden(), Sudden(), Sudden()
    run(even(), output_dir=tmp_path / "whole", renderers=whole)
    path, stop = even(), Stop(lambda event: isinstance(event, ChunkDone) and len(first.calls) == 4)
    [stopped] = run(path, output_dir=tmp_path / "cut", renderers=first, on_event=stop)
    assert (stopped.state, stopped.exit_code) == ("interrupted", 130)
    assert not (folder_in(tmp_path / "cut") / ".farm" / "pacing.json").exists()
    run(path, output_dir=tmp_path / "cut", renderers=second)
    assert first.calls + second.calls == whole.calls
    assert chosen(tmp_path / "cut") == chosen(tmp_path / "whole")
    assert contents(folder_in(tmp_path / "cut")) == contents(folder_in(tmp_path / "whole"))


def test_a_run_killed_after_its_pilot_needs_no_second_pilot(even, tmp_path):
    whole, first, second = Sudden(), Sudden(), Sudden()
    run(even(), output_dir=tmp_path / "whole", renderers=whole)
    path = even()
    run(
        path,
        output_dir=tmp_path / "cut",
        renderers=first,
        on_event=Stop(lambda event: isinstance(event, JobStarted) and event.job == "job"),
    )
    run(path, output_dir=tmp_path / "cut", renderers=second)
    assert first.calls + second.calls == whole.calls
    assert len(second.calls) == FRAMES / 4
    assert contents(folder_in(tmp_path / "cut")) == contents(folder_in(tmp_path / "whole"))


def test_a_changed_input_of_the_choice_requires_a_new_pilot_and_others_do_not(even, tmp_path, piloted):
    changes = (
        ("seed: 3", "seed: 4"),
        ("num_inference_steps: 5", "num_inference_steps: 6"),
        (f"frames: {FRAMES}", "frames: 28"),
        ("prompts: [a, b, c]", "prompts: [a, b, d]"),
        ("batch_size: 4", "batch_size: 3"),
        ("gif: {fps: 10}", "gif: false"),
    )
    jobs = [prepare(even(change=change), output_dir=str(tmp_path), procedural=True) for change in changes]
    assert [job.pacing.is_known for job in jobs] == [False] * 5 + [True]


def test_a_new_pilot_reuses_the_frames_of_the_previous_one(even, piloted, tmp_path):
    before, renderers = chosen(tmp_path), Sudden()
    (folder_in(tmp_path) / ".farm" / "pacing.json").write_text("{")
    run(even(), output_dir=tmp_path, renderers=renderers)
    assert chosen(tmp_path) == before
    assert renderers.calls == []


def poisoned(*chunks, until):
    """Fail on these chunks until the list is empty."""

    def fails(chunk):
        if until and chunk.index in chunks:
            raise RenderError("poison")

    return fails


def test_failed_pilot_frames_are_ignored_and_not_retried(even, tmp_path):
    piloting = [True]
    renderers = Sudden(poisoned(1, until=piloting))
    ended = Stop(lambda event: isinstance(event, JobFinished) and piloting.clear())
    [summary] = run(even(), output_dir=tmp_path, renderers=renderers, on_event=ended)
    assert (summary.state, summary.frames.rendered) == ("done", FRAMES)
    tried = [pilot_frame["alpha"] for pilot_frame in chosen(tmp_path)["pilot"]]
    assert len(tried) == len(contents(folder_in(tmp_path) / ".farm" / "pilot")) >= 8
    assert not set(tried) & set(prepare(even(), output_dir="elsewhere", procedural=True).pacing.first[4:8])
    assert renderers.calls.count([4, 5, 6, 7]) == RetryPolicy().rules[Cause.RENDER].attempts + 1


def test_a_pilot_without_frames_ends_only_its_job(even, write_manifest, tmp_path):
    piloting = [True]
    other = write_manifest("other")
    summaries = run(
        even(),
        other,
        output_dir=tmp_path,
        renderers=Sudden(poisoned(*range(9), until=piloting)),
        on_event=Stop(
            lambda event: isinstance(event, JobStarted) and event.job == "other" and piloting.clear()
        ),
    )
    assert [summary.state for summary in summaries] == ["failed", "done"]
    assert summaries[0].error == "fewer than two pilot frames were rendered: poison"


def test_a_pilot_does_not_start_in_a_folder_held_by_another_run(even, tmp_path):
    claim, renderers = FolderLock(JobFolder(str(folder_in(tmp_path)))).acquire(), Sudden()
    try:
        [summary] = run(even(), output_dir=tmp_path, renderers=renderers)
    finally:
        claim.release()
    assert (summary.state, renderers.calls) == ("failed", [])
    assert "another run has locked this folder" in summary.error


def test_a_link_instead_of_the_pilots_folder_is_not_followed(even, tmp_path):
    place = folder_in(tmp_path) / ".farm" / "pilot"
    place.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to(tmp_path / "elsewhere")
    [summary] = run(even(), output_dir=tmp_path)
    assert summary.error == (
        f"{place} is a symbolic link to '{tmp_path / 'elsewhere'}'; a job's folder must not contain links: remove it."
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_picture_per_frame_is_refused_with_pacing(even, tmp_path):
    save_sequence(tmp_path / "film", FRAMES)
    draw(0).save(tmp_path / "still.png")
    pipeline = ("pipeline: StableDiffusionPipeline", "pipeline: StableDiffusionImg2ImgPipeline")
    size = (", height: 16, width: 16", ", image: still.png")
    prepare(even(size=size, pipeline=pipeline), output_dir=str(tmp_path), procedural=True)
    path = even(size=(size[0], ", image: film"), pipeline=pipeline)
    with pytest.raises(ManifestError) as caught:
        prepare(path, output_dir=str(tmp_path), procedural=True)
    assert str(caught.value) == (
        f"{path}:6:49: render.image: a picture per frame with pacing perceptual; allowed: one picture for all frames, "
        "since a pilot renders other frames."
    )


def test_a_plan_reports_a_future_and_an_earlier_pilot(farm, even, tmp_path):
    plan = ("plan", even(), "--procedural", "--output-dir", tmp_path)
    _, before, _ = farm(*plan)
    _, output, _ = farm(*plan, "--json")
    run(even(), output_dir=tmp_path)
    _, after, _ = farm(*plan)
    _, data, _ = farm(*plan, "--json")
    assert "\npacing       perceptual: a pilot of 12 to 24 frames chooses the alphas first\n" in before
    assert "\nmodel calls  3 to 6 for the pilot, then 6, 5 steps each\n" in before
    assert "\npacing       perceptual, chosen by an earlier pilot\n" in after
    assert "already rendered" in after
    pacing, known = json.loads(output)["pacing"], json.loads(data)["pacing"]
    assert (pacing["known"], pacing["pilot_frames"], pacing["pilot_calls"]) == (False, [12, 24], [3, 6])
    assert (known["known"], known["pilot_frames"], known["pilot_calls"]) == (True, [0, 0], [0, 0])
    assert (json.loads(output)["model_calls"], json.loads(data)["model_calls"]) == (12, 0)


def test_a_plans_time_includes_a_future_pilot(farm, even, tmp_path):
    assert farm("render", even("known", pacing="uniform"), "--inline", "--procedural")[0] == 0
    _, uniform, _ = farm("plan", even("one", pacing="uniform"), "--procedural", "--json")
    _, paced, _ = farm("plan", even("two"), "--procedural", "--json")
    _, output, _ = farm("plan", even("two"), "--procedural")
    first, second = (json.loads(data)["estimated_seconds"] for data in (uniform, paced))
    assert second == pytest.approx(2 * first)
    assert "\ntime         at most about " in output


def test_a_pilot_whose_last_frame_fails_paces_the_end_like_the_section_before_it(even, tmp_path):
    def fails(chunk):
        if piloting and any(frame.alpha == 1 for frame in chunk.frames):
            raise RenderError("poison")

    path, piloting = even(batch=("batch_size: 4", "batch_size: 1")), [True]
    ended = Stop(lambda event: isinstance(event, JobFinished) and piloting.clear())
    run(path, output_dir=tmp_path / "whole", renderers=Renderers())
    [summary] = run(path, output_dir=tmp_path / "cut", renderers=Renderers(fails), on_event=ended)
    tried = [pilot_frame["alpha"] for pilot_frame in chosen(tmp_path / "cut")["pilot"]]
    assert (summary.state, tried[-1] < 1) == ("done", True)
    expected = chosen(tmp_path / "whole")["alphas"]
    assert chosen(tmp_path / "cut")["alphas"] == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
def test_pacing_can_be_measured_with_clip(even, tmp_path):
    path = even(pacing="clip", judge=("output:", "analysis: {clip: {pretrained: tiny-world-clip}}\noutput:"))
    [summary] = run(path, output_dir=tmp_path)
    run(even("seen"), output_dir=tmp_path)
    assert summary.state == "done"
    angles = [pilot_frame["change"] for pilot_frame in chosen(tmp_path)["pilot"]]
    assert max(angles) < math.pi / 2
    assert (
        chosen(tmp_path)["alphas"]
        != json.loads((folder_in(tmp_path, "seen") / ".farm" / "pacing.json").read_text())["alphas"]
    )
