"""A frame's file: a lossless PNG that contains its recipe; equal recipes and pixels give equal bytes.

numpy and Pillow are imported with the first frame, since a plan needs only file names.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from farm.canonical import canonical_json
from farm.errors import StorageError, printable
from farm.records import Conditioning, DiffusersSpec, Frame, Pixels, RendererSpec

if TYPE_CHECKING:
    from PIL import Image

_MAX_SIDE = 8192
"""Maximum pixels on a side, as in a manifest."""
_FIELD = re.compile(r"(negative prompt|steps):", re.IGNORECASE)
"""The beginning of a section of the `parameters` text, at the start of a line."""


def file_name(index: int) -> str:
    """Return the name of a frame's file, relative to the job folder."""
    return f"frames/frame{index:06d}.png"


def content_sha256(pixels: Pixels) -> str:
    """Return the content digest: SHA-256 of `RGB8 <width>x<height>` and a line feed, then the RGB bytes."""
    import numpy as np

    height, width, _ = pixels.shape
    content = hashlib.sha256(f"RGB8 {width}x{height}\n".encode("ascii"))
    content.update(np.ascontiguousarray(pixels).data)
    return content.hexdigest()


def encode_frame(pixels: Pixels, frame: Frame, renderer: RendererSpec) -> bytes:
    """Return the PNG of a frame.

    Its text chunks are `parameters`, in the convention of A1111's web UI, which other tools read, and `farm`, the
    complete recipe as a JSON object. Neither includes the time or machine of rendering, so that equal frames are equal
    files.
    """
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    height, width, _ = pixels.shape
    text.add_itxt("parameters", _parameters(frame, renderer, width=width, height=height))
    model = renderer.source if isinstance(renderer, DiffusersSpec) else None
    text.add_itxt(
        "farm",
        canonical_json(
            {
                "frame": frame.index,
                "recipe_digest": frame.digest,
                "recipe": frame.recipe,
                "pretrained": model.pretrained if model else "procedural",
                "revision": model.revision if model else "",
            }
        ),
    )
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", pnginfo=text, compress_level=4)
    return buffer.getvalue()


def decode_frame(data: bytes, name: str) -> Pixels:
    """Return the RGB pixels of a frame's file.

    Raises:
        StorageError: when `data` is not an intact PNG from `encode_frame`; the message includes `name`.
    """
    try:
        pixels, _ = read_png(data)
    except ValueError as error:
        raise StorageError(f"{name}: not an intact PNG ({error}); remove it and render again.") from error
    return pixels


def read_png(data: bytes) -> tuple[Pixels, Mapping[str, str]]:
    """Return the RGB pixels of a PNG and its text chunks by keyword.

    Raises:
        ValueError: with the reason, when it is damaged or cannot be a frame, being not RGB, animated, or too large.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=["png"]) as image:
            _check_header(image)
            pixels = np.asarray(image)
            return pixels, dict(image.text)  # type: ignore[attr-defined]  # a PNG has it
    except UnidentifiedImageError as error:  # its text contains the memory address of an object
        raise ValueError("it is not a PNG" if data else "it is empty") from error
    except Exception as error:  # Pillow's parsers of PNG chunks may raise anything
        raise ValueError(str(error) or type(error).__name__) from error


def _check_header(image: Image.Image) -> None:
    """Check that an image can be a frame, before memory for its pixels is allocated."""
    if max(image.size) > _MAX_SIDE:
        raise ValueError(
            f"it has {image.width}x{image.height} pixels, a frame has at most {_MAX_SIDE}x{_MAX_SIDE}"
        )
    if image.mode != "RGB" or getattr(image, "n_frames", 1) != 1:
        raise ValueError("it is not a single RGB image of 8 bits per channel")


def _parameters(frame: Frame, renderer: RendererSpec, *, width: int, height: int) -> str:
    """Return the prompt, the negative prompt and a line of `Key: value` settings in the format of A1111's web UI.

    A mixture of prompts is written `first :0.25 AND second :0.75`, the closest form in that format. A prompt is put on
    one line, so that none of its lines is read as settings; the recipe contains it verbatim.
    """
    recipe = frame.recipe
    settings: dict[str, object] = {
        "Steps": recipe.arguments.get("num_inference_steps"),
        "Sampler": recipe.scheduler.class_name.removesuffix("Scheduler") or None,
        "CFG scale": recipe.arguments.get("guidance_scale"),
        "Seed": recipe.noise.seeds[0],
        "Size": f"{width}x{height}",
        "Clip skip": recipe.arguments.get("clip_skip"),
        "Eta": recipe.arguments.get("eta") or None,
    }
    if isinstance(renderer, DiffusersSpec):
        settings["Model"] = renderer.source.pretrained
        settings["Model hash"] = renderer.source.fingerprint[:10]
    settings["Version"] = "diffusion-farm"
    lines = [_prompt(recipe.conditioning)]
    if recipe.conditioning.negative_prompt:
        lines.append(f"Negative prompt: {_one_line(recipe.conditioning.negative_prompt)}")
    lines.append(
        ", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items() if value is not None)
    )
    return "\n".join(lines)


def _prompt(conditioning: Conditioning) -> str:
    if len(conditioning.prompts) == 1:
        return _one_line(conditioning.prompts[0])
    weighted = zip(conditioning.prompts, conditioning.weights, strict=True)
    return " AND ".join(f"{_one_line(prompt)} :{weight:.4g}" for prompt, weight in weighted)


def _one_line(prompt: str) -> str:
    line = printable(" ".join(prompt.split()), keep="")
    return _FIELD.sub(r"\1\\:", line, count=1) if _FIELD.match(line) else line


def _quoted(value: object) -> str:
    """Return a value, in JSON if other tools would otherwise misread it."""
    text = str(value)
    is_plain = text.isprintable() and text == text.strip() and not set(text) & set(',:"')
    return text if is_plain else json.dumps(text)
