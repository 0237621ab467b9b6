import re

from farm.report import GalleryEntry, write_gallery, write_preview
from farm.store import JobFolder
from tests.report.conftest import store
from tests.report.hostile import EVERYTHING, MARKUP


def entry(name="demo", **replaced):
    values = {"folder": name, "name": name, "state": "done", "frames": 2, "frame_count": 2} | replaced
    return GalleryEntry(**values)


def written(folder, *entries, **settings):
    assert write_gallery(folder, entries, **settings) == len(folder.read("index.html"))
    return folder.read("index.html").decode()


def words(page):
    body = re.sub(r"<(script|style)\b.*?</\1>|<p[^>]* hidden>.*?</p>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body[body.index("<main") :]).split())


def test_a_card_shows_the_result_of_a_job(folder):
    text = words(
        written(folder, entry(description="A star", seconds=121.0, started_at="2026-11-22T05:29:00+00:00"))
    )
    assert text == "No picture demo A star Done 2 frames 2 min 1 s 22 Nov 2026, 05:29 UTC 1 job"


def test_the_newest_job_comes_first(folder):
    page = written(
        folder,
        entry("old", started_at="2026-11-20T00:00:00+00:00"),
        entry("new", started_at="2026-11-21T00:00:00+00:00"),
    )
    assert re.findall(r'data-name="(\w+)"', page) == ["new", "old"]


def test_a_card_shows_the_first_picture_and_links_its_preview(folder):
    job = JobFolder(folder.path("demo"))
    store(job, range(2))
    write_preview(job, range(2))
    page = written(folder, entry())
    assert 'src="data:image/webp;base64,' in page
    assert 'data-preview="./demo/preview.webp"' in page
    assert 'href="./demo/report.html"' in page


def test_an_unreadable_job_shows_its_error_and_has_no_link(folder):
    folder.write("bad/preview.webp", b"no picture")
    page = written(
        folder, entry("bad", state="unreadable", frames=0, frame_count=0, error="not YAML", report=False)
    )
    assert words(page) == "No frames bad not YAML Unreadable 0 frames no report 1 job"
    assert "href=" not in page[page.index("<main") :]


def test_an_error_names_files_relative_to_the_job_s_folder(folder):
    error = f"{folder.path('bad/manifest.yaml')}:3: not YAML"
    page = written(folder, entry("bad", state="unreadable", error=error, report=False))
    assert words(page) == "No picture bad manifest.yaml:3: not YAML Unreadable 2 frames no report 1 job"
    assert f'title="{error}"' in page


def test_an_empty_gallery_says_so(folder):
    assert words(written(folder)) == "There are no jobs here yet. 0 jobs"


def test_a_gallery_reloads_itself_while_a_job_runs(folder):
    assert '"refresh":10.0' in written(folder, entry(state="running", frames=0), refresh_seconds=10.0)
    assert '"refresh":0' in written(folder, entry(), refresh_seconds=10.0)


def test_no_text_becomes_markup(folder):
    page = written(
        folder,
        entry(EVERYTHING[:200], description=EVERYTHING, error=EVERYTHING, folder="a b?"),
        title=EVERYTHING,
    )
    assert MARKUP not in page
    assert "<img src=x" not in page
    assert page.count("<script") == 2
    assert 'href="./a%20b%3F/report.html"' in page
