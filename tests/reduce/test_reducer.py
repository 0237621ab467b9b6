import random
import threading

import av
import numpy as np
import pytest
from PIL import Image

from farm.errors import FarmError, StorageError
from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec
from farm.reduce import Artifact, Assembly, Reducer, assemble, outputs
from farm.reduce.gif import GifWriter
from farm.store import JobFolder

GIF = GifSpec(fps=10.0, rubber_band=False, loop=True, colors=256, palette="global", dither=True, scale=1)
MP4 = Mp4Spec(fps=30.0, crf=18, preset="veryfast")
SHEET = SheetSpec(columns=4, max_frames=8, thumbnail=32)
GRID = GridSpec(rows=3, columns=4, row_labels=(), column_labels=(), title="")
ALL = OutputSpec(gif=GIF, mp4=MP4, contact_sheet=SHEET, grid=GRID)
NAMES = ["job.mp4", "job.gif", "contact_sheet.png", "grid.png"]


def gif_frames(folder):
    return Image.open(folder.path("job.gif")).n_frames


def mp4_frames(folder):
    with av.open(folder.path("job.mp4")) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def files(folder):
    return folder.names("")


def test_frames_offered_in_any_order_from_many_threads_play_in_order(folder, store, draw):
    reducer = Reducer(folder, "job", ALL, 12)
    frames = random.Random(0).sample(range(12), 12)

    def render(part):
        for frame in part:
            store(folder, [frame])
            reducer.offer([frame])

    threads = [threading.Thread(target=render, args=[part]) for part in (frames[:6], frames[6:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    artifacts = reducer.finish().artifacts
    assert [artifact.name for artifact in artifacts] == NAMES
    assert gif_frames(folder) == 12
    shown = mp4_frames(folder)
    assert len(shown) == 12
    assert max(np.abs(one - draw(index)).mean() for index, one in enumerate(shown)) < 4


def test_artifacts_are_the_files_with_their_sizes(folder, store):
    store(folder, range(12))
    artifacts = assemble(folder, "job", ALL, range(12), frame_count=12).artifacts
    sizes = {name: len(folder.read(name)) for name in folder.names("")}
    assert artifacts == tuple(Artifact(name=name, bytes=sizes[name]) for name in NAMES)
    assert files(folder) == sorted(NAMES)


def test_only_enabled_outputs_are_made(folder, store):
    store(folder, range(3))
    assemble(
        folder, "job", OutputSpec(gif=GIF, mp4=None, contact_sheet=None, grid=None), range(3), frame_count=3
    )
    assert files(folder) == ["job.gif"]


def test_a_job_without_outputs_reads_no_frames(folder):
    nothing = OutputSpec(gif=None, mp4=None, contact_sheet=None, grid=None)
    assert assemble(folder, "job", nothing, range(3), frame_count=3) == Assembly()


def test_a_rubber_band_plays_back(folder, store):
    store(folder, range(4))
    spec = GifSpec(
        fps=10.0, rubber_band=True, loop=True, colors=64, palette="per_frame", dither=False, scale=1
    )
    assemble(
        folder, "job", OutputSpec(gif=spec, mp4=None, contact_sheet=None, grid=None), range(4), frame_count=4
    )
    assert gif_frames(folder) == 6


def test_failed_frames_are_missing_in_animations_and_hatched_in_pictures(folder, store, draw):
    store(folder, [0, 1, 3])
    with Reducer(folder, "job", ALL, 4) as reducer:
        reducer.offer([3, 1, 0])
        reducer.skip([2])
        reducer.finish()
    assert gif_frames(folder) == 3
    assert np.abs(mp4_frames(folder)[2] - draw(3)).mean() < 4
    grid = np.asarray(Image.open(folder.path("grid.png")))
    assert (grid[8:72, 8 + 3 * 68 : 72 + 3 * 68] == draw(3)).all()
    assert len(np.unique(grid[8:72, 8 + 2 * 68 : 72 + 2 * 68].reshape(-1, 3), axis=0)) == 2


def test_frames_neither_offered_nor_skipped_count_as_skipped(folder, store):
    store(folder, [1])
    with Reducer(folder, "job", ALL, 3) as reducer:
        reducer.offer([1])
        reducer.finish()
    assert gif_frames(folder) == 1


@pytest.mark.parametrize("frame_count", [0, 5])
def test_a_job_without_any_frame_has_no_outputs(folder, frame_count):
    with Reducer(folder, "job", ALL, frame_count) as reducer:
        reducer.skip(range(frame_count))
        assert reducer.finish() == Assembly()
    assert files(folder) == []


def test_aborting_keeps_earlier_outputs_and_no_temporary_file(folder, store):
    store(folder, range(6))
    assemble(folder, "job", ALL, range(6), frame_count=6)
    before = {name: folder.read(name) for name in NAMES}
    reducer = Reducer(folder, "job", ALL, 6)
    reducer.offer([0, 1, 2])
    reducer.abort()
    assert {name: folder.read(name) for name in NAMES} == before
    assert files(folder) == sorted(NAMES)


def test_aborting_while_the_gif_is_written_leaves_nothing(folder, store, monkeypatch):
    store(folder, range(6))
    writing, aborted = threading.Event(), threading.Event()
    original = GifWriter.add

    def slow(self, pixels):
        writing.set()
        aborted.wait(10)
        original(self, pixels)

    monkeypatch.setattr(GifWriter, "add", slow)
    reducer = Reducer(folder, "job", ALL, 6)
    reducer.offer(range(6))
    assert writing.wait(10)
    threading.Timer(0.05, aborted.set).start()
    reducer.abort()
    assert files(folder) == []


def test_leaving_the_context_by_an_exception_aborts(folder, store):
    store(folder, range(6))

    def interrupted():
        with Reducer(folder, "job", ALL, 6) as reducer:
            reducer.offer(range(6))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert files(folder) == []


def test_aborting_after_the_end_changes_nothing(folder, store):
    store(folder, range(2))
    with Reducer(folder, "job", ALL, 2) as reducer:
        reducer.offer(range(2))
        reducer.finish()
    assert files(folder) == sorted(NAMES)


def test_a_frame_of_another_size_is_named(folder, store):
    store(folder, range(2))
    store(folder, [2], height=32, width=48)
    with pytest.raises(FarmError) as raised:
        assemble(folder, "job", ALL, range(3), frame_count=3)
    assert str(raised.value) == (
        f"{folder.path('frames/frame000002.png')}: 48x32 pixels, but earlier frames have 64x64; "
        "all frames of an animation need the same size. Remove the frames of the other size and render again."
    )
    assert files(folder) == []


def test_a_damaged_frame_is_named(folder, store):
    store(folder, range(2))
    folder.write("frames/frame000001.png", b"not a picture")
    with pytest.raises(StorageError) as raised:
        assemble(folder, "job", ALL, range(2), frame_count=2)
    assert str(raised.value).startswith(f"{folder.path('frames/frame000001.png')}: not an intact PNG (")


class PanicException(BaseException):
    """As raised by libraries written in Rust."""


@pytest.mark.parametrize("error", [ValueError, MemoryError, PanicException])
@pytest.mark.parametrize("step", ["__init__", "add", "finish"])
def test_a_failed_output_is_named_and_does_not_affect_others(folder, store, monkeypatch, step, error):
    def broken(*_):
        raise error("no more palettes")

    folder.write("job.gif", b"of another run")
    monkeypatch.setattr(outputs._Gif, step, broken)
    store(folder, range(2))
    made = assemble(folder, "job", ALL, range(2), frame_count=2)
    assert made.errors == (
        f"{folder.path('job.gif')}: cannot be assembled: {error.__name__}: no more palettes. "
        "The frames are safe: run `farm assemble` on the folder to try again.",
    )
    assert [artifact.name for artifact in made.artifacts] == ["job.mp4", "contact_sheet.png", "grid.png"]
    assert folder.read("job.gif") == b"of another run"
    assert files(folder) == sorted(NAMES)


def test_an_output_that_cannot_be_published_does_not_affect_others(folder, store, tmp_path):
    (tmp_path / "job" / "job.gif" / "in-the-way").mkdir(parents=True)
    store(folder, range(2))
    made = assemble(folder, "job", ALL, range(2), frame_count=2)
    [error] = made.errors
    assert error.startswith(f"{folder.path('job.gif')}: cannot write: ")
    assert [artifact.name for artifact in made.artifacts] == ["job.mp4", "contact_sheet.png", "grid.png"]
    assert files(folder) == ["contact_sheet.png", "grid.png", "job.mp4"]


def test_a_frame_that_cannot_be_read_again_is_not_an_error_of_the_gif(folder, store, monkeypatch):
    store(folder, range(2))
    finish = outputs._Gif.finish

    def damage_frame(self, frames, read):
        folder.write("frames/frame000001.png", b"not a picture")
        finish(self, frames, read)

    monkeypatch.setattr(outputs._Gif, "finish", damage_frame)
    with pytest.raises(StorageError) as raised:
        assemble(folder, "job", ALL, range(2), frame_count=2)
    assert str(raised.value).startswith(f"{folder.path('frames/frame000001.png')}: not an intact PNG (")
    assert files(folder) == []


def test_a_frame_of_another_job_is_refused(folder):
    with (
        Reducer(folder, "job", ALL, 3) as reducer,
        pytest.raises(IndexError, match=r"^no frame 3 in a job of 3$"),
    ):
        reducer.offer([3])


def test_frames_are_decoded_once_for_all_outputs_and_once_more_for_the_gif(folder, store, monkeypatch):
    read = []
    original = JobFolder.read
    monkeypatch.setattr(JobFolder, "read", lambda self, name: read.append(name) or original(self, name))
    store(folder, range(5))
    assemble(folder, "job", ALL, range(5), frame_count=5)
    assert len(read) == 10


def test_outputs_are_the_same_bytes_in_any_order_of_arrival(folder, store):
    store(folder, range(12))
    assemble(folder, "job", ALL, range(12), frame_count=12)
    before = {name: folder.read(name) for name in NAMES}
    with Reducer(folder, "job", ALL, 12) as reducer:
        for frame in reversed(range(12)):
            reducer.offer([frame])
        reducer.finish()
    assert {name: folder.read(name) for name in NAMES} == before


def test_a_folder_may_be_on_any_file_system(store):
    folder = JobFolder("memory://farm-reduce-test/job")
    store(folder, range(3))
    artifacts = assemble(folder, "job", ALL, range(3), frame_count=3).artifacts
    assert {artifact.name: artifact.bytes for artifact in artifacts} == {
        name: len(folder.read(name)) for name in folder.names("")
    }
    assert folder.read("job.gif").startswith(b"GIF89a")


def test_the_planned_count_reserves_space_for_frames_missing_at_the_end(folder, store):
    store(folder, range(2))
    assemble(folder, "job", ALL, range(2), frame_count=2)
    short = Image.open(folder.path("contact_sheet.png")).size
    assemble(folder, "job", ALL, range(2), frame_count=4)
    assert Image.open(folder.path("contact_sheet.png")).width > short[0]
