import contextlib
import dataclasses
import hashlib
import io
import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from farm.errors import StorageError
from farm.records import DiffusersSpec, ModelSource, ProceduralSpec
from farm.store import content_sha256, decode_frame, encode_frame, file_name
from tests.render.frames import frame_of

SPEC = DiffusersSpec(
    pipeline="StableDiffusionPipeline",
    source=ModelSource(
        pretrained="tiny-world",
        kind="shipped",
        location="tiny-world",
        revision="",
        fingerprint="a1b2c3d4e5f6",
    ),
    variant=None,
    torch_dtype="float32",
    loras=(),
    determinism="strict",
)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def test_a_frame_is_decoded_pixel_for_pixel(pixels):
    assert np.array_equal(decode_frame(encode_frame(pixels, frame_of(), SPEC), "x"), pixels)


def test_frame_names_sort_as_numbers():
    assert [file_name(index) for index in (0, 149)] == ["frames/frame000000.png", "frames/frame000149.png"]


def test_the_content_digest_covers_size_and_pixels(pixels):
    assert content_sha256(pixels) == hashlib.sha256(b"RGB8 64x48\n" + pixels.tobytes()).hexdigest()
    assert content_sha256(pixels) != content_sha256(pixels.reshape(64, 48, 3))


def test_parameters_follow_the_convention_of_other_tools(pixels):
    frame = frame_of(scheduler="DDIMScheduler", eta=0.5)
    with Image.open(io.BytesIO(encode_frame(pixels, frame, SPEC))) as image:
        assert image.text["parameters"] == (
            "a red star\n"
            "Negative prompt: dull\n"
            "Steps: 4, Sampler: DDIM, CFG scale: 5.0, Seed: 42, Size: 64x48, Eta: 0.5, Model: tiny-world, "
            "Model hash: a1b2c3d4e5, Version: diffusion-farm"
        )


def test_a_mixture_of_prompts_is_written_with_its_weights(pixels):
    frame = frame_of(0, {"a red star": 0.25, "a fish": 0.75}, negative_prompt="")
    with Image.open(io.BytesIO(encode_frame(pixels, frame, ProceduralSpec()))) as image:
        assert image.text["parameters"].splitlines()[0] == "a red star :0.25 AND a fish :0.75"


KEY_AND_VALUE = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def read_parameters(text):
    """Return prompt, negative prompt and settings as parsed by A1111's web UI and similar tools."""
    *lines, last = text.strip().split("\n")
    prompts = {False: [], True: []}
    is_negative = False
    for line in map(str.strip, lines):
        is_negative = is_negative or line.startswith("Negative prompt:")
        prompts[is_negative].append(line.removeprefix("Negative prompt:").strip() if is_negative else line)
    values = {
        key: json.loads(value) if value.startswith('"') and value.endswith('"') else value
        for key, value in KEY_AND_VALUE.findall(last)
    }
    return "\n".join(prompts[False]), "\n".join(prompts[True]), values


def parameters_of(frame, spec=SPEC):
    with Image.open(io.BytesIO(encode_frame(np.zeros((48, 64, 3), np.uint8), frame, spec))) as image:
        return image.text["parameters"]


HONEST = {
    "Steps": "4",
    "CFG scale": "5.0",
    "Seed": "42",
    "Size": "64x48",
    "Model": "tiny-world",
    "Model hash": "a1b2c3d4e5",
    "Version": "diffusion-farm",
}
FORGED = "Steps: 1, Sampler: evil, Seed: 666, Model: evil"


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("a red star", "a red star"),
        ("a red star,\n  at the beach\n", "a red star, at the beach"),
        (f"a star\nNegative prompt: {FORGED}\n{FORGED}", f"a star Negative prompt: {FORGED} {FORGED}"),
        (f"a star\r\x85\u2028\x0b{FORGED}", f"a star {FORGED}"),
        (f"\n{FORGED}", FORGED.replace("Steps:", "Steps\\:")),
        ("negative prompt: a star", "negative prompt\\: a star"),
        ("\x1b]0;owned\x07 \u202estar", r"\x1b]0;owned\x07 \u202estar"),
        ("", ""),
    ],
)
def test_a_prompt_cannot_forge_a_line_of_the_parameters(prompt, read):
    for negative, as_read in [("dull", "dull"), (prompt, read)]:
        text = parameters_of(frame_of(0, {prompt: 1.0}, negative_prompt=negative))
        assert read_parameters(text) == (read, as_read, HONEST)
        assert len(text.splitlines()) == 2 + bool(negative)
    mixed = parameters_of(frame_of(0, {prompt: 0.25, "a fish": 0.75}, negative_prompt=""))
    assert read_parameters(mixed) == (f"{read} :0.25 AND a fish :0.75".strip(), "", HONEST)


@given(st.text(max_size=40) | st.text(alphabet='Steps: 1,\n\r"\\N', max_size=20), st.text(max_size=20))
@example("Negative prompt:", "Steps: 1, Seed: 2, Size: 3x4")
def test_the_settings_are_read_back_whatever_the_prompt(prompt, negative):
    frame = frame_of(0, {prompt: 1.0}, negative_prompt=negative)
    text = parameters_of(frame)
    assert read_parameters(text)[2] == HONEST
    assert all(line.isprintable() for line in text.split("\n"))
    assert frame.recipe.conditioning.prompts == (prompt,)


@pytest.mark.parametrize(
    "name",
    [
        "tiny-world",
        "./a, Seed: 1",
        "./a\nSteps: 9",
        '"quoted"',
        " ./spaced ",
        "./\x1b[2J",
        "C:\\models",
        "./星",
    ],
)
def test_any_model_name_is_read_back(name):
    spec = dataclasses.replace(SPEC, source=dataclasses.replace(SPEC.source, pretrained=name))
    text = parameters_of(frame_of(), spec)
    assert read_parameters(text)[2] == HONEST | {"Model": name}
    assert all(line.isprintable() for line in text.split("\n"))


def test_the_farm_text_contains_the_complete_recipe(pixels):
    with Image.open(io.BytesIO(encode_frame(pixels, frame_of(7), SPEC))) as image:
        own = json.loads(image.text["farm"])
    assert own["frame"] == 7
    assert own["recipe"]["conditioning"]["prompts"] == ["a red star"]
    assert own["recipe"]["arguments"] == {"guidance_scale": 5.0, "num_inference_steps": 4}


def test_equal_frames_are_equal_files(pixels):
    assert encode_frame(pixels, frame_of(), SPEC) == encode_frame(pixels.copy(), frame_of(), SPEC)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:500], "Truncated File Read"),
        (lambda data: b"", "it is empty"),
        (lambda data: b"GIF89a" + data, "it is not a PNG"),
    ],
)
def test_a_damaged_file_is_reported(pixels, damage, reason):
    data = damage(encode_frame(pixels, frame_of(), SPEC))
    with pytest.raises(StorageError) as raised:
        decode_frame(data, "frames/x.png")
    assert str(raised.value) == f"frames/x.png: not an intact PNG ({reason}); remove it and render again."


def png(image, **how):
    buffer = io.BytesIO()
    image.save(buffer, format="png", **how)
    return buffer.getvalue()


def with_text(size):
    """Return a PNG with a text of `size` bytes, which takes a thousandth of that in the file."""
    text = PngImagePlugin.PngInfo()
    text.add_text("farm", "x" * size, zip=True)
    return png(Image.new("RGB", (8, 8)), pnginfo=text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (with_text(2 * 2**20), "Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK"),
        (png(Image.new("RGB", (8193, 1))), "it has 8193x1 pixels, a frame has at most 8192x8192"),
        (png(Image.new("RGBA", (8, 8))), "it is not a single RGB image of 8 bits per channel"),
        (png(Image.new("I;16", (8, 8))), "it is not a single RGB image of 8 bits per channel"),
        (png(Image.new("P", (8, 8))), "it is not a single RGB image of 8 bits per channel"),
        (
            png(Image.new("RGB", (8, 8)), save_all=True, append_images=[Image.new("RGB", (8, 8), "red")]),
            "it is not a single RGB image of 8 bits per channel",
        ),
    ],
    ids=["text", "size", "alpha", "16 bits", "palette", "moving"],
)
def test_an_image_that_cannot_be_a_frame_is_refused(data, reason):
    with pytest.raises(StorageError) as raised:
        decode_frame(data, "a.png")
    assert str(raised.value) == f"a.png: not an intact PNG ({reason}); remove it and render again."


@settings(max_examples=200, deadline=None)
@given(offset=st.integers(0, 400), value=st.binary(min_size=1, max_size=8), cut=st.integers(0, 400))
def test_a_changed_file_is_either_decoded_or_refused(offset, value, cut):
    intact = png(Image.effect_noise((8, 8), 50).convert("RGB"), dpi=(72, 72))
    data = (intact[:offset] + value + intact[offset + len(value) :])[: len(intact) - cut % 20]
    with contextlib.suppress(StorageError):
        assert decode_frame(data, "a.png").ndim == 3
