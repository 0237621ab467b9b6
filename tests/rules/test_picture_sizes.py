"""Pictures are worked with at whole latents, at one size where they are laid upon each other."""

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


def test_a_picture_that_is_no_whole_number_of_latents_is_remarked_upon(remarked):
    assert remarked(IMG2IMG, "@sd", {"image": "17x19.png"}) == [
        "render.image: 17x19.png is 17x19 pixels, and is scaled to 16x18, as the frames are; crop it first to a "
        "multiple of 2 to keep every pixel."
    ]
    assert remarked(IMG2IMG, "@sd", {"image": "32x16.png"}) == []


def test_a_picture_without_a_latent_is_refused(refused):
    assert refused(IMG2IMG, "@sd", {"image": "1x16.png"}) == [
        "render.image: 1x16.png is 1x16 pixels; needed: at least 2x2, which is one latent."
    ]


def test_a_picture_that_is_stretched_is_remarked_upon(remarked):
    drawn = {"image": "32x16.png", "mask_image": "mask.png"}
    stretched = "render.image: 32x16.png is 32x16 pixels, and is stretched to"
    cropped = "crop it first to keep its proportions."
    assert remarked(INPAINT, "@sd", drawn) == [f"{stretched} 16x16; {cropped}"]
    assert remarked(INPAINT, "@sd", drawn | {"width": 8, "mask_image": "32x16.png", "height": 16}) == [
        f"{stretched} 8x16; {cropped}",
        f"{stretched.replace('.image', '.mask_image')} 8x16; {cropped}",
    ]
    assert remarked(INPAINT, "@sd", drawn | {"width": 64, "height": 32}) == [
        "render.mask_image: mask.png is 16x16 pixels, and is stretched to 64x32; crop it first to keep its proportions."
    ]


def test_a_depth_map_is_stretched_to_its_image(remarked):
    drawn = {"image": "16x16.png", "depth_map": "32x16.png"}
    assert remarked(DEPTH, "@depth", drawn) == [
        "render.depth_map: 32x16.png is 32x16 pixels, and is stretched to 16x16; crop it first to keep its proportions."
    ]
    assert remarked(DEPTH, "@depth", {"image": "32x16.png", "depth_map": "32x16.png"}) == []


def test_the_pictures_of_several_controlnets_are_of_one_size(refused, remarked):
    drawn = {"image": ["16x16.png", "32x16.png"]}
    assert refused(CONTROLNET, "@sd", drawn, controlnets=NETS) == [
        f"render.image[1]: 32x16.png is used at 32x16 pixels, and 16x16.png at 16x16; {ONE_SIZE}"
    ]
    assert refused(CONTROLNET, "@sd", drawn | {"height": 16}, controlnets=NETS) == [
        f"render.image[1]: 32x16.png is used at 32x16 pixels, and 16x16.png at 16x16; {ONE_SIZE}"
    ]
    assert remarked(CONTROLNET, "@sd", {"image": ["16x16.png", "mask.png"]}, controlnets=NETS) == []
    assert len(remarked(CONTROLNET, "@sd", drawn | {"height": 16, "width": 16}, controlnets=NETS)) == 1


@pytest.mark.parametrize("kind", ["Img2Img", "Inpaint"])
def test_what_a_controlnet_follows_is_of_the_size_of_the_image(kind, refused):
    drawn = {"image": "32x16.png", "control_image": "16x16.png"}
    drawn |= {"mask_image": "32x16.png"} if kind == "Inpaint" else {}
    assert refused(f"StableDiffusionControlNet{kind}Pipeline", "@sd", drawn, controlnets=NETS[:1]) == [
        f"render.control_image: 16x16.png is used at 16x16 pixels, and 32x16.png at 32x16; {ONE_SIZE}"
    ]


def test_a_crop_around_the_mask_needs_one_of_the_images_size(refused, remarked):
    crop = {"padding_mask_crop": 4, "mask_image": "mask.png"}
    assert refused(INPAINT, "@sd", crop | {"image": "32x16.png"}) == [
        "render.mask_image: mask.png is 16x16 pixels, and 32x16.png 32x16; needed: a mask of the image's size where "
        "padding_mask_crop is given."
    ]
    assert remarked(INPAINT, "@sd", crop | {"image": "16x16.png"}) == []


def test_what_a_controlnet_follows_is_stretched_to_the_canvas_of_outpainting(remarked):
    pipeline = "StableDiffusionControlNetInpaintPipeline"
    drawn = {"image": "16x16.png", "control_image": "16x16.png", "expand": {"left": 16}}
    assert remarked(pipeline, "@sd", drawn, controlnets=NETS[:1]) == [
        "render.control_image: 16x16.png is 16x16 pixels, and is stretched to 32x16; crop it first to keep its "
        "proportions."
    ]
    assert remarked(pipeline, "@sd", drawn | {"control_image": "32x16.png"}, controlnets=NETS[:1]) == []
