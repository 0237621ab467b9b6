"""Pictures are scaled to multiples of a latent, and must have one size if they are combined."""

import pytest
from PIL import Image

from tests.pictures import draw

IMG2IMG, INPAINT = "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
CONTROLNET, DEPTH = "StableDiffusionControlNetPipeline", "StableDiffusionDepth2ImgPipeline"
NETS = [{"pretrained": "@net"}, {"pretrained": "@net"}]
ONE_SIZE = "needed: pictures of one size, or render.height and render.width for all of them."


@pytest.fixture(autouse=True)
def pictures(tmp_path):
    Image.new("RGB", (1, 16)).save(tmp_path / "1x16.png")
    for width, height in ((16, 16), (17, 19), (32, 16)):
        draw(1, width=width, height=height).save(tmp_path / f"{width}x{height}.png")
    Image.new("L", (16, 16), 255).save(tmp_path / "mask.png")


def test_a_picture_that_is_no_multiple_of_a_latent_causes_a_warning(warnings_of):
    assert warnings_of(IMG2IMG, "@sd", {"image": "17x19.png"}) == [
        "render.image: 17x19.png is 17x19 pixels, and is scaled to 16x18, as the frames are; crop it first to a "
        "multiple of 2 to keep every pixel."
    ]
    assert warnings_of(IMG2IMG, "@sd", {"image": "32x16.png"}) == []


def test_a_picture_smaller_than_a_latent_is_refused(refusals):
    assert refusals(IMG2IMG, "@sd", {"image": "1x16.png"}) == [
        "render.image: 1x16.png is 1x16 pixels; needed: at least 2x2, which is one latent."
    ]


def test_a_stretched_picture_causes_a_warning(warnings_of):
    drawn = {"image": "32x16.png", "mask_image": "mask.png"}
    stretched = "render.image: 32x16.png is 32x16 pixels, and is stretched to"
    cropped = "crop it first to keep its proportions."
    assert warnings_of(INPAINT, "@sd", drawn) == [f"{stretched} 16x16; {cropped}"]
    assert warnings_of(INPAINT, "@sd", drawn | {"width": 8, "mask_image": "32x16.png", "height": 16}) == [
        f"{stretched} 8x16; {cropped}",
        f"{stretched.replace('.image', '.mask_image')} 8x16; {cropped}",
    ]
    assert warnings_of(INPAINT, "@sd", drawn | {"width": 64, "height": 32}) == [
        "render.mask_image: mask.png is 16x16 pixels, and is stretched to 64x32; crop it first to keep its proportions."
    ]


def test_a_depth_map_is_stretched_to_its_image(warnings_of):
    drawn = {"image": "16x16.png", "depth_map": "32x16.png"}
    assert warnings_of(DEPTH, "@depth", drawn) == [
        "render.depth_map: 32x16.png is 32x16 pixels, and is stretched to 16x16; crop it first to keep its proportions."
    ]
    assert warnings_of(DEPTH, "@depth", {"image": "32x16.png", "depth_map": "32x16.png"}) == []


def test_the_pictures_of_several_controlnets_must_have_one_size(refusals, warnings_of):
    drawn = {"image": ["16x16.png", "32x16.png"]}
    assert refusals(CONTROLNET, "@sd", drawn, controlnets=NETS) == [
        f"render.image[1]: 32x16.png is used at 32x16 pixels, and 16x16.png at 16x16; {ONE_SIZE}"
    ]
    assert refusals(CONTROLNET, "@sd", drawn | {"height": 16}, controlnets=NETS) == [
        f"render.image[1]: 32x16.png is used at 32x16 pixels, and 16x16.png at 16x16; {ONE_SIZE}"
    ]
    assert warnings_of(CONTROLNET, "@sd", {"image": ["16x16.png", "mask.png"]}, controlnets=NETS) == []
    assert len(warnings_of(CONTROLNET, "@sd", drawn | {"height": 16, "width": 16}, controlnets=NETS)) == 1


@pytest.mark.parametrize("kind", ["Img2Img", "Inpaint"])
def test_a_control_picture_must_have_the_size_of_the_image(kind, refusals):
    drawn = {"image": "32x16.png", "control_image": "16x16.png"}
    drawn |= {"mask_image": "32x16.png"} if kind == "Inpaint" else {}
    assert refusals(f"StableDiffusionControlNet{kind}Pipeline", "@sd", drawn, controlnets=NETS[:1]) == [
        f"render.control_image: 16x16.png is used at 16x16 pixels, and 32x16.png at 32x16; {ONE_SIZE}"
    ]


def test_a_crop_around_the_mask_needs_a_mask_of_the_images_size(refusals, warnings_of):
    crop = {"padding_mask_crop": 4, "mask_image": "mask.png"}
    assert refusals(INPAINT, "@sd", crop | {"image": "32x16.png"}) == [
        "render.mask_image: mask.png is 16x16 pixels, and 32x16.png 32x16; needed: a mask of the image's size where "
        "padding_mask_crop is given."
    ]
    assert warnings_of(INPAINT, "@sd", crop | {"image": "16x16.png"}) == []


def test_a_control_picture_is_stretched_to_the_canvas_of_outpainting(warnings_of):
    pipeline = "StableDiffusionControlNetInpaintPipeline"
    drawn = {"image": "16x16.png", "control_image": "16x16.png", "expand": {"left": 16}}
    assert warnings_of(pipeline, "@sd", drawn, controlnets=NETS[:1]) == [
        "render.control_image: 16x16.png is 16x16 pixels, and is stretched to 32x16; crop it first to keep its "
        "proportions."
    ]
    assert warnings_of(pipeline, "@sd", drawn | {"control_image": "32x16.png"}, controlnets=NETS[:1]) == []
