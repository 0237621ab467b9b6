"""A depth map must have different depths, and a mask an area to paint."""

import pytest
from PIL import Image

from tests.pictures import draw

INPAINT, DEPTH = "StableDiffusionInpaintPipeline", "StableDiffusionDepth2ImgPipeline"
MOVE = {"kind": "circle", "prompt": "a red star", "frames": 3}


@pytest.fixture(autouse=True)
def pictures(tmp_path):
    draw(1, width=16, height=16).save(tmp_path / "image.png")
    (tmp_path / "masks").mkdir()
    for number, grey in enumerate((0, 255, 127)):
        Image.new("L", (16, 16), grey).save(tmp_path / "masks" / f"{number}.png")
        Image.new("L", (16, 16), grey).save(tmp_path / f"{grey}.png")


@pytest.mark.parametrize("grey", [0, 127, 255])
@pytest.mark.parametrize("depth", ["{}.png", {"file": "{}.png"}])
def test_a_depth_map_of_one_grey_is_refused(grey, depth, refusals):
    name, field = f"{grey}.png", "render.depth_map" if isinstance(depth, str) else "render.depth_map.file"
    drawn = {"image": "image.png", "depth_map": name if isinstance(depth, str) else {"file": name}}
    assert refusals(DEPTH, "@depth", drawn) == [
        f"{field}: {grey}.png is uniformly grey, which diffusers cannot scale to depths; needed: a picture of the "
        "depth, brighter where nearer; or no depth_map, to have it estimated."
    ]


def test_a_depth_map_of_two_greys_is_accepted(warnings_of):
    assert warnings_of(DEPTH, "@depth", {"image": "image.png", "depth_map": "image.png"}) == []


@pytest.mark.parametrize("grey", [0, 127])
def test_a_mask_without_white_is_refused(grey, refusals):
    assert refusals(INPAINT, "@sd", {"image": "image.png", "mask_image": f"{grey}.png"}) == [
        f"render.mask_image: {grey}.png has no white, so nothing would be painted; needed: white where the "
        "picture is to be painted."
    ]


def test_a_moving_mask_may_be_black_at_times_unless_it_is_cropped_to(refusals, warnings_of, tmp_path):
    drawn = {"image": "image.png", "mask_image": "masks"}
    assert warnings_of(INPAINT, "@sd", drawn, MOVE) == []
    Image.new("L", (16, 16), 255).save(tmp_path / "masks" / "0.png")
    assert refusals(INPAINT, "@sd", drawn | {"padding_mask_crop": 2}, MOVE) == [
        "render.mask_image: picture 2 of masks has no white, so nothing would be painted; needed: white where "
        "the picture is to be painted."
    ]
    assert warnings_of(INPAINT, "@sd", drawn | {"padding_mask_crop": 2}, MOVE | {"frames": 2}) == []
