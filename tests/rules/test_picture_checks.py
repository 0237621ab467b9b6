from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.manifest.references import with_pictures, written_pictures
from farm.rules.load import parse
from tests.rules.test_pipeline_checks import _messages, _taking, _text, _with

NETS = "controlnets: [{pretrained: ./a}, {pretrained: ./b}]"
NET = "controlnets: [{pretrained: ./a}]"
IP_ADAPTER = "{pretrained: ./a, weight_name: a.safetensors}"
CONTROLNET = "StableDiffusionControlNetPipeline"
INPAINT = "StableDiffusionInpaintPipeline"


@pytest.mark.parametrize(
    ("pipeline", "model", "render", "messages"),
    [
        (
            "StableDiffusionImg2ImgPipeline",
            "",
            "",
            ["render.image: missing; needed: the picture that StableDiffusionImg2ImgPipeline starts from."],
        ),
        (
            INPAINT,
            "",
            "image: a.png",
            [
                "render.mask_image: missing; needed: a mask, white where StableDiffusionInpaintPipeline repaints, "
                "or expand."
            ],
        ),
        (
            CONTROLNET,
            "",
            "",
            [
                "model.controlnets: missing; needed: at least one ControlNet for StableDiffusionControlNetPipeline.",
                "render.image: missing; needed: one picture for each ControlNet.",
            ],
        ),
        (
            CONTROLNET,
            "controlnets: []",
            "image: a.png",
            [
                "model.controlnets: an empty list; needed: at least one ControlNet for "
                "StableDiffusionControlNetPipeline."
            ],
        ),
        (
            "StableDiffusionControlNetImg2ImgPipeline",
            NET,
            "image: a.png",
            ["render.control_image: missing; needed: one picture for each ControlNet."],
        ),
        (
            CONTROLNET,
            NETS,
            "image: a.png, controlnet_conditioning_scale: [1, 1, {0: 1}], control_guidance_end: [1]",
            [
                "render.image: 1 picture for 2 ControlNets; allowed: 2, one per ControlNet.",
                "render.controlnet_conditioning_scale: 3 values for 2 ControlNets; allowed: 2, one per ControlNet.",
                "render.control_guidance_end: 1 value for 2 ControlNets; allowed: 2, one per ControlNet.",
            ],
        ),
        (
            CONTROLNET,
            NET,
            "image: [a.png, b.png]",
            ["render.image: 2 pictures for 1 ControlNet; allowed: 1, one per ControlNet."],
        ),
        (
            CONTROLNET,
            NETS,
            "image: [a.png, b.png], control_guidance_start: [0, 0.5], control_guidance_end: 0.5",
            [
                "render.control_guidance_start: from 0.5 of the steps up to 0.5; needed: a start before the end."
            ],
        ),
        (
            INPAINT,
            "",
            "image: [a.png], mask_image: b.png",
            [
                "render.image: a list of pictures; allowed: one, since StableDiffusionInpaintPipeline starts from one."
            ],
        ),
        (
            INPAINT,
            "",
            "image: {file: a.png, canny: {}}, mask_image: b.png, expand: {left: 0}",
            [
                "render.image.canny: edges with expand; allowed: one of the two.",
                "render.mask_image: a mask with expand, which creates its own; allowed: one of the two.",
                "render.expand: nothing is added; needed: 1 pixel or more at one side.",
            ],
        ),
        (
            "StableDiffusionPipeline",
            f"ip_adapters: [{IP_ADAPTER}]",
            "",
            ["render.ip_adapter_image: missing; needed: an image prompt for each of model.ip_adapters."],
        ),
        (
            "StableDiffusionPipeline",
            "",
            "ip_adapter_image: a.png",
            ["render.ip_adapter_image: no IP-Adapter uses it; needed: model.ip_adapters."],
        ),
        (
            "StableDiffusionPipeline",
            f"ip_adapters: [{IP_ADAPTER}]",
            "ip_adapter_image: [a.png, b.png]",
            [
                "render.ip_adapter_image: 2 entries for 1 IP-Adapter; allowed: 1, one per IP-Adapter. "
                "To give one adapter several pictures, put them in a list within that list."
            ],
        ),
        (
            "StableDiffusionPipeline",
            f"ip_adapters: [{IP_ADAPTER}, {IP_ADAPTER}]",
            "ip_adapter_image: {0: a.png}",
            [],
        ),
    ],
)
def test_pictures_must_match_the_pipeline_and_its_adapters(
    problems: Any, pipeline: str, model: str, render: str, messages: list[str]
) -> None:
    text = _text(pipeline, model, render)
    if messages:
        assert sorted(_messages(problems, text)) == sorted(messages)
    else:
        assert _messages(problems, text) == [
            "render.ip_adapter_image: 1 entry for 2 IP-Adapters; allowed: 2, one per IP-Adapter."
        ]


@pytest.mark.parametrize(
    ("canny", "path", "found"),
    [
        ("{low_threshold: 150, high_threshold: 100}", "low_threshold", "150 above high_threshold 100"),
        ("{low_threshold: 200.5}", "low_threshold", "200.5 above high_threshold 200"),
        ("{high_threshold: 50}", "high_threshold", "100 above high_threshold 50"),
    ],
)
@pytest.mark.parametrize(("nets", "image", "field"), [(NET, "{}", ""), (NETS, "[b.png, {}]", "[1]")])
def test_the_thresholds_of_edges_must_be_in_order(
    problems: Any, nets: str, image: str, field: str, canny: str, path: str, found: str
) -> None:
    picture = f"{{file: a.png, canny: {canny}}}"
    assert _messages(problems, _text(CONTROLNET, nets, f"image: {image.replace('{}', picture)}")) == [
        f"render.image{field}.canny.{path}: low_threshold {found}; needed: a low_threshold up to the high_threshold."
    ]


def test_equal_thresholds_are_accepted() -> None:
    canny = "{low_threshold: 100, high_threshold: 100}"
    parse(_text(CONTROLNET, NET, f"image: {{file: a.png, canny: {canny}}}"), Path("a.yaml"))


def test_edges_are_no_depth_map(problems: Any) -> None:
    render = "image: a.png, depth_map: {file: b.png, canny: {}}"
    assert _messages(problems, _text("StableDiffusionDepth2ImgPipeline", render=render)) == [
        "render.depth_map.canny: edges instead of a depth map; allowed: a picture of the depth, brighter where nearer."
    ]


def test_a_crop_around_the_mask_allows_one_controlnet(problems: Any) -> None:
    inpaint = "StableDiffusionControlNetInpaintPipeline"
    drawn = "image: a.png, mask_image: b.png, padding_mask_crop: 8"
    assert _messages(problems, _text(inpaint, NETS, f"{drawn}, control_image: [c.png, d.png]")) == [
        "render.padding_mask_crop: a crop around the mask with 2 ControlNets; allowed: one ControlNet, since "
        "diffusers crops a single picture."
    ]
    parse(_text(inpaint, NET, f"{drawn}, control_image: c.png"), Path("a.yaml"))


def test_expand_needs_a_pipeline_with_a_mask(problems: Any) -> None:
    assert _messages(
        problems, _text("StableDiffusionImg2ImgPipeline", render="image: a.png, expand: {top: 8}")
    ) == [
        "render.expand: StableDiffusionImg2ImgPipeline does not paint added sides; " + _taking("mask_image")
    ]
    parse(_text(INPAINT, render="image: a.png, expand: {top: 8}"), Path("a.yaml"))


def test_a_pipeline_without_ip_adapters_takes_no_image_prompts(problems: Any) -> None:
    assert _messages(problems, _text("FluxPipeline", render="ip_adapter_image: a.png")) == [
        "render.ip_adapter_image: FluxPipeline takes no image prompts; "
        + _with(lambda traits: "ip_adapters" in traits.parts)
    ]


@pytest.mark.parametrize(
    ("render", "path"),
    [
        ("controlnet_conditioning_scale: [1, {0: 1, 4: 2}]", "render.controlnet_conditioning_scale[1][4]"),
        ("strength: {4: 0.5}", "render.strength[4]"),
        ("ip_adapter_image: [{0: a.png, 4: b.png}]", "render.ip_adapter_image[0][4]"),
    ],
)
def test_keyframes_stay_within_the_animation(problems: Any, render: str, path: str) -> None:
    text = _text(
        "StableDiffusionControlNetImg2ImgPipeline",
        f"{NETS}, ip_adapters: [{IP_ADAPTER}]",
        f"image: a.png, control_image: [b.png, c.png], {render}",
    )
    assert f"{path}: frame 4 of an animation of 4 frames; allowed: frames from 0 to 3." in _messages(
        problems, text
    )


def test_the_scale_of_an_ip_adapter_stays_within_the_animation_too(problems: Any) -> None:
    eye = IP_ADAPTER.replace("}", ", scale: {0: 1, 9: 0}}")
    text = _text("StableDiffusionPipeline", f"ip_adapters: [{eye}]", "ip_adapter_image: a.png")
    assert _messages(problems, text) == [
        "model.ip_adapters[0].scale[9]: frame 9 of an animation of 4 frames; allowed: frames from 0 to 3."
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "https://a.org/b.png",
            "found 'https://a.org/b.png'; allowed: a picture, a folder, a numbered sequence such as "
            "frames/*.png or frames/%04d.png, or a video; not a URL.",
        ),
        (
            "5",
            "found 5; allowed: a picture, a folder, a numbered sequence such as frames/*.png or "
            "frames/%04d.png, or a video; a map of file and canny; or a list of these, one per ControlNet.",
        ),
    ],
)
def test_a_picture_is_a_path_on_this_machine(problems: Any, value: str, message: str) -> None:
    text = _text("StableDiffusionImg2ImgPipeline", render=f"image: {value}")
    assert _messages(problems, text)[0] == f"render.image: {message}"


def test_an_unknown_key_of_a_picture_is_reported(problems: Any) -> None:
    text = _text(CONTROLNET, NET, "image: {file: a.png, cany: {}}")
    assert _messages(problems, text) == [
        "render.image.cany: unknown key (did you mean 'canny'?); image takes file, canny."
    ]


def test_every_written_picture_is_found_with_its_field_and_can_be_changed() -> None:
    render = (
        "image: {file: a.png, canny: {}}, mask_image: m.png, control_image: [b.png, {file: c.png}], "
        "ip_adapter_image: [{0: [d.png], 3: [e.png]}, [f.png, d.png]]"
    )
    text = _text(
        "StableDiffusionControlNetInpaintPipeline",
        f"{NETS}, ip_adapters: [{IP_ADAPTER}, {IP_ADAPTER}]",
        render,
    )
    manifest = parse(text, Path("a.yaml")).manifest
    assert list(written_pictures(manifest)) == [
        (("render", "image", "file"), "a.png"),
        (("render", "mask_image"), "m.png"),
        (("render", "control_image", 0), "b.png"),
        (("render", "control_image", 1, "file"), "c.png"),
        (("render", "ip_adapter_image", 0, 0, 0), "d.png"),
        (("render", "ip_adapter_image", 0, 3, 0), "e.png"),
        (("render", "ip_adapter_image", 1, 0), "f.png"),
        (("render", "ip_adapter_image", 1, 1), "d.png"),
    ]
    changed = with_pictures(manifest, str.upper)
    assert [path for _, path in written_pictures(changed)] == [
        path.upper() for _, path in written_pictures(manifest)
    ]
    assert with_pictures(changed, str.lower) == manifest


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        ("{0: a.png, 3: [b.png, c.png]}", "render.ip_adapter_image"),
        ("[{0: a.png, 3: [b.png, c.png]}]", "render.ip_adapter_image[0]"),
    ],
)
def test_keyframes_must_have_equal_numbers_of_pictures(problems: Any, prompt: str, field: str) -> None:
    text = (
        "version: 1\nname: a\n"
        "model:\n  pipeline: StableDiffusionPipeline\n  pretrained: tiny\n"
        "  ip_adapters: [{pretrained: ./eye, weight_name: eye.safetensors}]\n"
        "animation: {kind: circle, prompt: a, frames: 4}\n"
        f"render: {{ip_adapter_image: {prompt}}}\n"
    )
    assert [line.split(": ", 1)[1] for line in problems(text)] == [
        f"{field}: 1 and 2 pictures at its keyframes; allowed: the same number at each, since they are interpolated "
        "one by one. A picture may be repeated."
    ]
