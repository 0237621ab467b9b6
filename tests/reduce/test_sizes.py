"""Oversized outputs are refused: by `farm check` if possible, otherwise on assembly."""

import numpy as np
import pytest
from PIL import Image

from farm.errors import ManifestError
from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec
from farm.reduce import assemble, oversized_outputs
from farm.reduce.grids import ContactSheetWriter, GridPicture, grid_size, sheet_size
from farm.run import prepare

GIF = GifSpec(fps=10.0, rubber_band=False, loop=True, colors=256, palette="global", dither=True, scale=16)
MP4 = Mp4Spec(fps=30.0, crf=18, preset="veryfast")
SHEET = SheetSpec(columns=10, max_frames=300, thumbnail=256)
ALL = OutputSpec(gif=GIF, mp4=MP4, contact_sheet=SHEET, grid=None)


def refused(spec, width, height, frames=10):
    return {
        oversized.field: oversized.found
        for oversized in oversized_outputs(spec, width=width, height=height, frame_count=frames)
    }


def test_outputs_within_the_limits_are_not_refused():
    assert refused(ALL, 256, 256) == {}
    assert refused(ALL, 1024, 64) == {}
    unscaled = OutputSpec(gif=GIF, mp4=MP4, contact_sheet=SHEET, grid=None)
    assert refused(unscaled, 256, 256, frames=10_000_000) == {}


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ((2048, 2048), {"gif": "its frames would have 32768x32768 pixels"}),
        ((8192, 8), {"gif": "its frames would have 131072x128 pixels"}),
        ((264, 256), {"gif": "its frames would have 4224x4096 pixels"}),
        (
            (8192, 8192),
            {
                "gif": "its frames would have 131072x131072 pixels",
                "mp4": "its frames would have 8192x8192 pixels",
            },
        ),
    ],
)
def test_outputs_beyond_the_limits_are_refused(size, found):
    assert refused(ALL, *size) == found


def test_a_title_and_labels_of_one_long_word_take_little_space():
    word = "x" * 10_000
    spec = GridSpec(rows=2, columns=2, row_labels=(word,) * 2, column_labels=(word,) * 2, title=word)
    width, height = grid_size(spec, width=64, height=64)
    assert width < 2000
    assert height < 3000
    grid = GridPicture(spec)
    grid.add(0, np.zeros((64, 64, 3), np.uint8))
    assert grid._mosaic is not None
    assert grid._mosaic.canvas.size == (width, height)


def test_a_sheet_has_the_predicted_size():
    sheet = ContactSheetWriter(SHEET, 7)
    sheet.add(0, np.zeros((64, 64, 3), np.uint8))
    assert sheet._mosaic is not None
    assert sheet._mosaic.canvas.size == sheet_size(SHEET, width=64, height=64, frame_count=7)


def test_a_grid_of_labels_alone_is_refused():
    labels = tuple(f"{number} {'word ' * 4}" for number in range(10_000))
    spec = GridSpec(rows=10_000, columns=1, row_labels=labels, column_labels=("a",), title="")
    outputs = OutputSpec(gif=None, mp4=None, contact_sheet=None, grid=spec)
    assert list(refused(outputs, 64, 64)) == ["grid"]


def test_a_gif_that_is_too_wide_affects_neither_the_mp4_nor_the_sheet(folder, store):
    store(folder, range(2), height=8, width=8192)
    made = assemble(folder, "job", ALL, range(2), frame_count=2)
    assert made.errors == (
        f"{folder.path('job.gif')}: its frames would have 131072x128 pixels; allowed: up to 65535 per side, the limit "
        "of the format. Lower output.gif.scale, or turn the GIF off with output.gif=false.",
    )
    assert [artifact.name for artifact in made.artifacts] == ["job.mp4", "contact_sheet.png"]
    assert Image.open(folder.path("contact_sheet.png")).width < 1000


@pytest.mark.parametrize("procedural", [True, False])
def test_check_refuses_an_oversized_gif(tmp_path, procedural):
    path = tmp_path / "m.yaml"
    path.write_text(
        "version: 1\nname: job\nmodel: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}\n"
        "animation: {kind: walk, prompt: a star, frames: 2}\nrender: {height: 2048, width: 2048}\n"
        "output: {gif: {scale: 16}}\n"
    )
    with pytest.raises(ManifestError) as caught:
        prepare(path, output_dir=str(tmp_path), procedural=procedural)
    [problem] = caught.value.problems
    assert (problem.path, problem.found, problem.allowed) == (
        "output.gif",
        "its frames would have 32768x32768 pixels",
        "allowed: up to 16777216 pixels if scale enlarges them, such as 4096x4096",
    )
    assert problem.where == f"{path}:6:10"


def test_a_sweep_with_too_many_cells_for_a_grid_is_refused(tmp_path):
    path = tmp_path / "m.yaml"
    values = ",".join(f"0.{number:04}" for number in range(1000))
    path.write_text(
        "version: 1\nname: job\nmodel: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}\n"
        f"animation: {{kind: sweep, prompt: a, over: {{eta: &a [{values}], guidance_rescale: *a}}}}\n"
    )
    with pytest.raises(ManifestError) as caught:
        prepare(path, output_dir=str(tmp_path), procedural=True)
    assert str(caught.value) == (
        f"{path}:1:1: output.grid: a picture of 1000000 cells; allowed: up to 10000, or grid: false."
    )
    without = ["output.grid=false"]
    assert (
        prepare(path, overrides=without, output_dir=str(tmp_path), procedural=True).plan.frame_count == 10**6
    )
