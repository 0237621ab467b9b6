import numpy as np
import pytest
from PIL import Image

from farm.records import SheetSpec
from farm.reduce.grids import ContactSheetWriter
from farm.reduce.mosaic import PAPER


def sheet(tmp_path, frames, frame_count, **spec):
    made = ContactSheetWriter(
        SheetSpec(**({"columns": 10, "max_frames": 50, "thumbnail": 128} | spec)), frame_count
    )
    for index, pixels in frames:
        made.add(index, pixels)
    made.save(tmp_path / "sheet.png")
    return Image.open(tmp_path / "sheet.png")


def flat(index, height=64, width=64):
    return np.full((height, width, 3), (index, 100, 0), np.uint8)


def cells(image, index):
    return int((np.asarray(image) == (index, 100, 0)).all(axis=-1).sum())


def test_the_chosen_frames_are_shown_and_no_others(tmp_path):
    image = sheet(tmp_path, [(index, flat(index)) for index in range(100)], 100, max_frames=4)
    assert [index for index in range(100) if cells(image, index)] == [0, 33, 66, 99]
    assert cells(image, 33) == 64 * 64


def test_thumbnails_are_no_wider_than_requested_and_keep_their_aspect_ratio(tmp_path):
    image = sheet(tmp_path, [(0, flat(0, height=256, width=512))], 1, thumbnail=128)
    assert cells(image, 0) == 128 * 64


def test_small_frames_are_not_enlarged(tmp_path):
    assert cells(sheet(tmp_path, [(0, flat(0))], 1), 0) == 64 * 64


def test_a_frame_that_failed_leaves_its_numbered_cell_hatched(tmp_path):
    frames = [(index, flat(index)) for index in range(3)]
    complete, incomplete = sheet(tmp_path, frames, 3), sheet(tmp_path, [frames[0], frames[2]], 3)
    assert complete.size == incomplete.size
    assert (cells(complete, 1), cells(incomplete, 1)) == (64 * 64, 0)


def test_the_width_is_that_of_the_columns(tmp_path):
    frames = [(index, flat(index)) for index in range(25)]
    narrow, wide = (sheet(tmp_path, frames, 25, columns=columns) for columns in (5, 25))
    assert narrow.width < wide.width
    assert narrow.height > wide.height


@pytest.mark.parametrize("width", [8, 64, 512])
def test_every_frame_has_its_number_under_it(tmp_path, width):
    image = np.asarray(
        sheet(tmp_path, [(index, flat(index, width, width)) for index in range(4)], 4, columns=1)
    )
    inked = (image != PAPER).any(axis=-1) & (image[..., 1:] != (100, 0)).any(axis=-1)
    texts = np.flatnonzero(np.diff(inked.any(axis=1).astype(int)) == 1)
    assert len(texts) == 4


def test_numbers_wider_than_the_frames_move_them_apart(tmp_path):
    frames = [(index, flat(index % 256, 8, 8)) for index in range(1000)]
    image = np.asarray(sheet(tmp_path, frames, 1000, columns=50))
    inked = (image != PAPER).any(axis=-1)
    assert not inked[:, [0, -1]].any()
    assert image.shape[1] > 50 * 18
