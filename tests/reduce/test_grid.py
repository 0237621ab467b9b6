import numpy as np
import pytest
from PIL import Image

from farm.records import GridSpec
from farm.reduce import mosaic
from farm.reduce.grids import GridPicture


def picture(tmp_path, size=64, missing=(), **spec):
    defaults = {"rows": 2, "columns": 3, "row_labels": (), "column_labels": (), "title": ""}
    made = GridPicture(GridSpec(**(defaults | spec)))
    for index in range(6):
        if index not in missing:
            made.add(index, np.full((size, size, 3), (10 * index, 100, 0), np.uint8))
    made.save(tmp_path / "grid.png")
    return np.asarray(Image.open(tmp_path / "grid.png"))


def box(image, index):
    rows, columns = np.nonzero((image == (10 * index, 100, 0)).all(axis=-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def ink_at_the_edges(image):
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return int((edges != (250, 250, 250)).any(axis=-1).sum())


LABELS = {
    "row_labels": ("num_inference_steps = 4", "num_inference_steps = 25"),
    "column_labels": ("guidance_scale = 1", "guidance_scale = 7.5", "guidance_scale = 12.5"),
    "title": "A watercolor painting of a Golden Retriever at the beach",
}


@pytest.mark.parametrize("labels", [{}, LABELS])
def test_frames_are_arranged_row_by_row_at_full_size(tmp_path, labels):
    image = picture(tmp_path, **labels)
    boxes = [box(image, index) for index in range(6)]
    assert {(bottom - top, right - left) for top, left, bottom, right in boxes} == {(64, 64)}
    assert sorted(boxes) == boxes
    assert len({top for top, *_ in boxes}) == 2
    assert len({left for _, left, *_ in boxes}) == 3


@pytest.mark.parametrize("size", [16, 64, 512])
def test_labels_are_not_cut(tmp_path, size):
    assert ink_at_the_edges(picture(tmp_path, size, **LABELS)) == 0


@pytest.mark.parametrize("size", [16, 64, 512])
def test_labels_do_not_overlap(tmp_path, size):
    image = picture(tmp_path, size, column_labels=LABELS["column_labels"])
    above = image[: box(image, 0)[0]]
    inked = (above != (250, 250, 250)).any(axis=(0, 2))
    starts = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(int)])) == 1)
    gaps = np.diff(np.flatnonzero(inked))
    assert len(starts) >= 3
    assert (gaps > 4).sum() >= 2


def test_a_title_wider_than_the_frames_widens_the_picture(tmp_path):
    plain, titled = picture(tmp_path, 16), picture(tmp_path, 16, title="A watercolor painting of a dog")
    assert titled.shape[1] > plain.shape[1]
    assert ink_at_the_edges(titled) == 0


def test_a_frame_that_failed_leaves_its_cell_hatched(tmp_path):
    image = picture(tmp_path, missing=(4,))
    left = box(image, 1)[1]
    row = box(image, 3)[0]
    assert len(np.unique(image[row : row + 64, left : left + 64].reshape(-1, 3), axis=0)) == 2


def test_frames_shrink_when_the_picture_would_be_too_large_to_open(tmp_path, monkeypatch):
    monkeypatch.setattr(mosaic, "_MAX_PIXELS", 6 * 32 * 32)
    top, left, bottom, right = box(picture(tmp_path), 2)
    assert (bottom - top, right - left) == (32, 32)
