import dataclasses
import re

import pytest

from farm.records import Sentence
from farm.report import (
    Chart,
    ChartCurve,
    ConfusionExample,
    ConfusionMatrix,
    Environment,
    FileLink,
    FlaggedFrame,
    FrameSpan,
    PictureCache,
    Setting,
    WorkerTime,
    write_report,
)
from tests.report.conftest import report_data, store
from tests.report.hostile import EVERYTHING, MARKUP


def written(folder, job):
    assert write_report(folder, job) == len(folder.read("report.html"))
    return folder.read("report.html").decode()


def words(page):
    """Return the page's text, without markup and with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page[page.index("<body") :], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_a_report_has_all_facts_about_a_job(folder):
    store(folder, range(20))
    job = report_data(
        insights=(Sentence(text="It turns at frame 7.", frames=(7,), places=(18,)),),
        settings=(Setting(name="guidance_scale", value="7.5"),),
        workers=(WorkerTime(name="worker-1", node="vm", device="cpu", frames=20, seconds=30.0),),
        environments=(Environment(facts=(Setting(name="torch", value="2.13"),), frames=20),),
        remarks=(FrameSpan(first=3, last=5, reason="rendered alone"),),
        flagged=(FlaggedFrame(frame=9, flag="outlier", reason="stands out"),),
        files=(FileLink(path="demo.gif", bytes=3_068_933),),
        manifest="version: 1\nname: demo\n",
    )
    text = words(written(folder, job))
    for fact in (
        "demo",
        "From a star to a flower",
        "Done",
        "20 frames interpolate 2 min 1 s 22 Nov 2026, 05:29 UTC",
        "It turns at frame 7 .",
        "guidance_scale 7.5",
        "worker-1 vm cpu 20 30 s 1.50 s",
        "Environment of 20 frames torch 2.13",
        "Frames 3 to 5 remark rendered alone",
        "Frame 9 outlier stands out",
        "demo.gif 3.07 MB",
        "version: 1 name: demo",
    ):
        assert fact in text


def test_missing_frames_are_listed_with_reasons(folder):
    store(folder, [0, 1, 5])
    failures = (FrameSpan(first=2, last=4, reason="CUDA error"),)
    page = written(
        folder, report_data(6, state="partial", frames=(0, 1, 5), failures=failures, error="it broke")
    )
    text = words(page)
    assert "Partly done" in text
    assert "3 of 6 frames" in text
    assert "What went wrong it broke" in text
    assert "Frames 2 to 4 missing CUDA error" in text
    assert "2–4 missing" in text


def test_an_unreadable_frame_is_listed(folder):
    store(folder, [0, 2])
    folder.write("frames/frame000001.png", b"no picture")
    text = words(written(folder, report_data(3)))
    assert f"Frame 1 missing {folder.path('frames/frame000001.png')}: not an intact PNG" in text


def test_a_job_without_frames_says_so(folder):
    assert "No frame is finished yet." in words(written(folder, report_data(20, state="running", frames=())))
    assert "There is no frame to show." in words(written(folder, report_data(20, state="failed", frames=())))


def test_a_job_without_planned_frames_has_a_page(folder):
    assert "0 frames" in words(written(folder, report_data(2, frame_count=0, frames=(), charts=())))


def test_agreement_is_a_rate_a_table_and_examples(folder):
    matrix = ConfusionMatrix(
        first="CLIP",
        second="ResNet",
        rate=0.955,
        labels=("cat", "dog"),
        counts=((9, 1), (0, 12)),
        examples=(ConfusionExample(frame=4, first="cat", second="dog"),),
    )
    text = words(written(folder, report_data(20, frames=(), agreement=matrix)))
    assert "In 96% of the frames CLIP and ResNet agree." in text
    assert "cat dog cat 9 1 dog 0 12" in text
    assert "Frame 4 is cat to CLIP , dog to ResNet" in text
    nothing = dataclasses.replace(matrix, rate=None, labels=(), counts=(), examples=())
    text = words(written(folder, report_data(20, frames=(), agreement=nothing)))
    assert "No frame was scored by both CLIP and ResNet ." in text


def test_a_thinned_animation_says_so(folder):
    store(folder, [round(index * 999 / 299) for index in range(300)], 8, 8)
    text = words(written(folder, report_data(1000)))
    assert "300 of 1,000 finished frames are on this page, evenly spaced; all are in frames/ ." in text
    store(folder, range(20), 8, 8)
    assert "evenly spaced" not in words(written(folder, report_data(20)))


def test_problems_beyond_the_limit_are_counted(folder):
    failures = tuple(FrameSpan(first=2 * k, last=2 * k, reason=f"reason {k};") for k in range(1000))
    text = words(written(folder, report_data(2000, frames=(), charts=(), failures=failures)))
    assert "reason 199;" in text
    assert "reason 200;" not in text
    assert "And 800 more ranges of frames, which are in summary.json." in text


def test_no_text_becomes_markup(folder):
    store(folder, range(2))
    texts = dict.fromkeys(("name", "description", "kind", "error", "manifest"), EVERYTHING)
    job = report_data(
        2,
        **texts,
        insights=(Sentence(text=EVERYTHING, frames=(1,)),),
        settings=(Setting(name=EVERYTHING, value=EVERYTHING),),
        failures=(FrameSpan(first=1, last=1, reason=EVERYTHING),),
        files=(FileLink(path=EVERYTHING, bytes=1),),
        charts=(
            dataclasses.replace(
                report_data(2).charts[0],
                title=EVERYTHING,
                curves=(dataclasses.replace(report_data(2).charts[0].curves[0], label=EVERYTHING),),
            ),
        ),
    )
    page = written(folder, job)
    assert MARKUP not in page
    assert "<img src=x" not in page
    assert page.count("<script") == 2
    assert page.count("</script>") == 2


def test_a_job_with_a_single_finished_frame_has_no_charts(folder):
    store(folder, range(2))
    assert "Curves" not in words(written(folder, report_data(20, frames=(0,))))
    assert "Curves" in words(written(folder, report_data(20, frames=(0, 1))))


def test_a_chart_without_values_is_omitted(folder):
    store(folder, range(2))
    empty = Chart(title="Later", curves=(ChartCurve(label="c", values=(None, None)),))
    text = words(written(folder, report_data(2, charts=(*report_data(2).charts, empty))))
    assert "Change" in text
    assert "Later" not in text


def test_curves_beyond_eight_are_counted_and_in_the_table(folder):
    store(folder, range(2))
    curves = tuple(ChartCurve(label=f"label {k}", values=(0.0, k / 100)) for k in range(100))
    page = written(folder, report_data(2, charts=(Chart(title="Hundred", curves=curves),)))
    assert "label 92 label 93" in words(page)
    assert "label 99 and 92 more, in the table" in words(page)
    assert "label 91 " not in words(page)
    assert '"label":"label 91"' in page
    assert "And 92 more, in the table." in page


def test_a_frame_has_its_caption_in_the_sheet_and_below_the_player(folder):
    store(folder, range(3))
    page = written(folder, report_data(3, captions=("guidance 1", "guidance 5", "guidance 9")))
    assert "1× 2× 4× guidance 1 " in words(page)
    assert "0 guidance 1 1 guidance 5 2 guidance 9" in words(page)
    assert 'aria-label="Frame 1: guidance 5"' in page


def test_invalid_unicode_does_not_prevent_a_page(folder):
    assert "?" in words(written(folder, report_data(2, frames=(), name="\ud800")))


@pytest.mark.parametrize(("state", "refresh"), [("running", 5.0), ("done", 0)])
def test_only_a_running_job_s_page_reloads_itself(folder, state, refresh):
    page = written(folder, report_data(2, frames=(), state=state, refresh_seconds=5.0))
    assert f'"refresh":{refresh}' in page
    assert ('http-equiv="refresh"' in page) is (state == "running")


def test_a_cache_avoids_reading_frames_for_the_second_page(folder):
    store(folder, range(4))
    cache = PictureCache(folder, 4)
    first = write_report(folder, report_data(4), cache)
    for frame in range(4):
        folder.remove(f"frames/frame{frame:06d}.png")
    assert write_report(folder, report_data(4), cache) == first
