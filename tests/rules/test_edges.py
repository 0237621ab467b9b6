"""Pictures without edges cause a warning if a ControlNet is to follow their edges."""

import pytest
from PIL import Image

from tests.pictures import draw

NET, NET_IMG2IMG = "StableDiffusionControlNetPipeline", "StableDiffusionControlNetImg2ImgPipeline"
MOVE = {"kind": "circle", "prompt": "a red star", "frames": 2}
NONE = "has no edges, so there is nothing to follow; needed: a picture with contrasts, or lower thresholds."


@pytest.fixture(autouse=True)
def pictures(tmp_path):
    flat, square = Image.new("RGB", (16, 16), "grey"), Image.new("RGB", (16, 16), "black")
    square.paste((255, 255, 255), (4, 4, 12, 12))
    flat.save(tmp_path / "flat.png")
    square.save(tmp_path / "square.png")
    for folder, second in (("flats", flat), ("later", square)):
        (tmp_path / folder).mkdir()
        flat.save(tmp_path / folder / "0.png")
        second.save(tmp_path / folder / "1.png")


def _edges(file, **thresholds):
    return {"file": file, "canny": thresholds}


def test_a_picture_without_edges_causes_a_warning(warnings_of):
    one = {"controlnets": [{"pretrained": "@net"}]}
    assert warnings_of(NET, "@sd", {"image": _edges("flat.png")}, **one) == [
        f"render.image.canny: flat.png {NONE}"
    ]
    assert warnings_of(NET, "@sd", {"image": _edges("square.png")}, **one) == []
    assert warnings_of(NET, "@sd", {"image": "flat.png"}, **one) == []
    two = {"controlnets": [{"pretrained": "@net"}] * 2}
    assert warnings_of(NET, "@sd", {"image": ["flat.png", _edges("flat.png")]}, **two) == [
        f"render.image[1].canny: flat.png {NONE}"
    ]


def test_thresholds_beyond_every_edge_leave_none(warnings_of, tmp_path):
    draw(1, width=16, height=16).save(tmp_path / "ramp.png")
    one, start = {"controlnets": [{"pretrained": "@net"}]}, {"image": "square.png"}
    high, low = _edges("ramp.png"), _edges("ramp.png", low_threshold=1, high_threshold=2)
    assert warnings_of(NET_IMG2IMG, "@sd", {**start, "control_image": high}, **one) == [
        f"render.control_image.canny: ramp.png {NONE}"
    ]
    assert warnings_of(NET_IMG2IMG, "@sd", {**start, "control_image": low}, **one) == []


def test_a_sequence_has_edges_if_one_of_its_pictures_has(warnings_of):
    one = {"controlnets": [{"pretrained": "@net"}]}
    assert warnings_of(NET, "@sd", {"image": _edges("flats")}, MOVE, **one) == [
        f"render.image.canny: flats {NONE}"
    ]
    assert warnings_of(NET, "@sd", {"image": _edges("later")}, MOVE, **one) == []
