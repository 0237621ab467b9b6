"""The pictures of each frame: their file, index in a video and preparation, and mixtures of image prompts."""

from __future__ import annotations

from farm.records import CannySpec, ExpandSpec, ImagePrompt, InputPicture
from tests.plan.test_arguments import IP_ADAPTER, NET, plan_of, source


def picture(name: str, **changes: object) -> InputPicture:
    return InputPicture(location=f"/{name}.png", sha256=f"{name}.png", **changes)  # type: ignore[arg-type]


def test_a_moving_picture_has_one_picture_per_frame() -> None:
    plan = plan_of(
        "StableDiffusionInpaintPipeline", "image: a.png, mask_image: b.png", a=source("a.png", count=5)
    )
    assert plan.frame(3).recipe.pictures == {"image": picture("a", index=3), "mask_image": picture("b")}
    assert plan.batch_size == 4
    assert plan.frame(3).digest != plan.frame(2).digest


def test_edges_are_detected_on_request() -> None:
    plan = plan_of(
        "StableDiffusionControlNetPipeline",
        "image: {file: a.png, canny: {low_threshold: 50}}",
        f"controlnets: [{NET}]",
    )
    edges = CannySpec(low_threshold=50, high_threshold=200)
    assert plan.frame(0).recipe.pictures == {"image": picture("a", prepare=edges)}


def test_several_controlnets_have_a_picture_each() -> None:
    plan = plan_of(
        "StableDiffusionControlNetImg2ImgPipeline",
        "image: a.png, control_image: [b.png, {file: c.png}]",
        f"controlnets: [{NET}, {NET}]",
    )
    assert plan.frame(0).recipe.pictures == {
        "image": picture("a"),
        "control_image.0": picture("b"),
        "control_image.1": picture("c"),
    }


def test_outpainting_derives_canvas_mask_and_frame_size_from_one_picture() -> None:
    wide = source("a.png", height=64, width=96)
    sides = {"left": 0, "right": 32, "top": 8, "bottom": 16}
    render = "image: a.png, expand: {right: 32, top: 8, bottom: 16}"
    recipe = plan_of("StableDiffusionInpaintPipeline", render, a=wide).frame(0).recipe
    assert recipe.pictures == {
        "image": picture("a", prepare=ExpandSpec(**sides, part="canvas")),
        "mask_image": picture("a", prepare=ExpandSpec(**sides, part="mask")),
    }
    assert (recipe.arguments["height"], recipe.arguments["width"]) == (88, 128)
    scaled = plan_of("StableDiffusionInpaintPipeline", f"{render}, height: 64", a=wide).frame(0).recipe
    assert (scaled.arguments["height"], scaled.arguments["width"]) == (64, 128)


def test_image_prompts_are_interpolated_linearly_between_keyframes() -> None:
    plan = plan_of(
        "StableDiffusionPipeline",
        "ip_adapter_image: {1: [a.png, c.png], 3: [b.png, c.png]}",
        f"ip_adapters: [{IP_ADAPTER}]",
    )
    first = ImagePrompt(prompts=((picture("a"), picture("c")),), weights=(1.0,))
    last = ImagePrompt(prompts=((picture("b"), picture("c")),), weights=(1.0,))
    between = ImagePrompt(
        prompts=((picture("a"), picture("c")), (picture("b"), picture("c"))), weights=(0.5, 0.5)
    )
    assert [plan.frame(index).recipe.image_prompts for index in range(5)] == [
        (first,),
        (first,),
        (between,),
        (last,),
        (last,),
    ]


def test_an_image_prompt_does_not_mix_with_itself() -> None:
    plan = plan_of(
        "StableDiffusionPipeline",
        "ip_adapter_image: {0: a.png, 2: a.png, 4: b.png}",
        f"ip_adapters: [{IP_ADAPTER}]",
    )
    assert plan.frame(1).recipe.image_prompts == (ImagePrompt(prompts=((picture("a"),),), weights=(1.0,)),)


def test_every_adapter_has_an_image_prompt_of_its_own_which_moves_with_its_video() -> None:
    plan = plan_of(
        "StableDiffusionPipeline",
        "ip_adapter_image: [a.png, [b.png, c.png]]",
        f"ip_adapters: [{IP_ADAPTER}, {IP_ADAPTER}]",
        c=source("c.png", count=5),
    )
    assert plan.frame(4).recipe.image_prompts == (
        ImagePrompt(prompts=((picture("a"),),), weights=(1.0,)),
        ImagePrompt(prompts=((picture("b"), picture("c", index=4)),), weights=(1.0,)),
    )
    assert plan.batch_size == 4
