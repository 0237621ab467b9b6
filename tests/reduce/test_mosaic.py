import numpy as np
from PIL import Image

from farm.reduce.mosaic import PAPER, Mosaic, fitted


def mosaic():
    return Mosaic(size=(50, 30), cell=(20, 20), origins={0: (2, 2), 1: (26, 2)})


def shown(one, tmp_path):
    one.save(tmp_path / "a.png")
    return np.asarray(Image.open(tmp_path / "a.png"))


def test_a_frame_fills_its_cell_and_nothing_else(tmp_path):
    picture = mosaic()
    picture.paste(0, np.full((20, 20, 3), (9, 8, 7), np.uint8))
    pixels = shown(picture, tmp_path)
    assert (pixels[2:22, 2:22] == (9, 8, 7)).all()
    assert ((pixels == (9, 8, 7)).all(axis=-1)).sum() == 400
    assert (pixels[0] == PAPER).all()


def test_a_missing_frame_is_hatched(tmp_path):
    cell = shown(mosaic(), tmp_path)[2:22, 26:46]
    assert len(np.unique(cell.reshape(-1, 3), axis=0)) == 2
    assert not (cell == PAPER).all(axis=-1).any()


def test_a_larger_frame_is_scaled_to_its_cell(tmp_path):
    picture = mosaic()
    picture.paste(1, np.full((80, 80, 3), (9, 8, 7), np.uint8))
    assert (shown(picture, tmp_path)[2:22, 26:46] == (9, 8, 7)).all()


def test_a_frame_without_a_cell_is_ignored(tmp_path):
    before = shown(mosaic(), tmp_path)
    picture = mosaic()
    picture.paste(5, np.zeros((20, 20, 3), np.uint8))
    assert (shown(picture, tmp_path) == before).all()


def test_few_pictures_keep_their_size():
    assert fitted(512, 512, count=100) == (512, 512)


def test_many_pictures_are_reduced_in_proportion_to_the_maximum_size():
    width, height = fitted(2048, 1024, count=10_000)
    assert (width, height) == (115, 57)
    assert width * height * 10_000 <= 2**26
