from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec
from farm.reduce.outputs import output_makers

GIF = GifSpec(fps=10.0, rubber_band=False, loop=True, colors=256, palette="global", dither=True, scale=1)
MP4 = Mp4Spec(fps=30.0, crf=18, preset="veryfast")
SHEET = SheetSpec(columns=4, max_frames=8, thumbnail=32)
GRID = GridSpec(rows=3, columns=4, row_labels=(), column_labels=(), title="")


def test_animations_are_named_after_the_job_and_pictures_after_their_kind():
    spec = OutputSpec(gif=GIF, mp4=MP4, contact_sheet=SHEET, grid=GRID)
    assert list(output_makers("dog", spec)) == ["dog.mp4", "dog.gif", "contact_sheet.png", "grid.png"]


def test_an_output_that_is_turned_off_has_no_maker():
    assert list(output_makers("dog", OutputSpec(gif=None, mp4=MP4, contact_sheet=None, grid=None))) == [
        "dog.mp4"
    ]
    assert not output_makers("dog", OutputSpec(gif=None, mp4=None, contact_sheet=None, grid=None))


def test_a_palette_per_frame_needs_no_sample_of_the_frames(tmp_path, draw):
    spec = GifSpec(
        fps=10.0, rubber_band=True, loop=True, colors=8, palette="per_frame", dither=False, scale=1
    )
    made = output_makers("dog", OutputSpec(gif=spec, mp4=None, contact_sheet=None, grid=None))["dog.gif"]
    output = made(tmp_path / "dog.gif", 4)
    read = []
    for index in range(4):
        output.add(index, draw(index))
    output.finish(range(4), lambda index: read.append(index) or draw(index))
    assert read == [0, 1, 2, 3, 2, 1]
