"""The real renderer: a loaded diffusers pipeline, called once per chunk."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL.Image import Image

from farm.errors import STOPPING, OutOfMemory, RenderError
from farm.records import Chunk, DiffusersSpec, Frame, InputPicture, Pixels, Scalar
from farm.render import determinism, environment
from farm.render.determinism import no_global_noise
from farm.render.loaded import LoadedPipeline
from farm.render.loading.memory import attention
from farm.render.memory import give_back, is_out_of_memory
from farm.render.noise import generators_of, mixed_noise
from farm.render.prompts.mixer import Mixture

_OF_ADAPTERS = ("lora_scale.", "ip_adapter_scale.")
_PART = re.compile(r"(\w+)\.(\d+)")
_PAIRS = re.compile(r"(negative_)?(original_size|target_size|crops_coords_top_left)")

Read = Callable[[InputPicture], Image]
Stack = Callable[[Sequence[Image], int | None, int | None], torch.Tensor]


def call_arguments(slots: Sequence[Frame], read: Read, stack: Stack) -> dict[str, Any]:
    """Return what a pipeline is called with for these frames, all but its generators.

    `read` opens a picture, `stack` makes one tensor [B, 3, height, width] of a ControlNet's. Numbers are the first
    frame's, as a call takes one for all of its pictures. What is null is left to the pipeline.
    """
    first = slots[0].recipe
    prompts = [frame.recipe.conditioning for frame in slots]
    arguments: dict[str, Any] = {"prompt": [Mixture(conditioning) for conditioning in prompts]}
    if prompts[0].negative_prompt is not None:
        arguments["negative_prompt"] = [conditioning.negative_prompt for conditioning in prompts]
    arguments |= _numbers(first.arguments)
    size = arguments.get("height"), arguments.get("width")
    arguments |= _picture_arguments(slots, read, lambda pictures: stack(pictures, *size))
    if first.image_prompts:
        arguments["ip_adapter_image"] = [frame.recipe.image_prompts for frame in slots]
    if "padding_mask_crop" in arguments:  # which diffusers knows for one picture only
        pictures = ("image", "mask_image", "control_image")
        arguments |= {name: arguments[name][0] for name in pictures if name in arguments}
    return arguments


def _numbers(written: Mapping[str, Scalar]) -> dict[str, Any]:
    given = {
        name: value
        for name, value in written.items()
        if value is not None and not name.startswith(_OF_ADAPTERS)
    }
    numbers: dict[str, Any] = {name: value for name, value in given.items() if not _PART.fullmatch(name)}
    for name, parts in _parts(given).items():
        if _PAIRS.fullmatch(name):
            numbers[name] = tuple(parts)
        else:
            numbers[name] = parts[0] if len(parts) == 1 else parts
    return numbers


def _picture_arguments(
    slots: Sequence[Frame], read: Read, stack: Callable[[Sequence[Image]], torch.Tensor]
) -> dict[str, Any]:
    """Read the frames' pictures: for each argument a list of one per frame; for several ControlNets a stack each."""
    rows = [{name: read(picture) for name, picture in frame.recipe.pictures.items()} for frame in slots]
    pictures: dict[str, Any] = {
        name: [row[name] for row in rows] for name in rows[0] if not _PART.fullmatch(name)
    }
    for name in _parts(rows[0]):
        nets = list(zip(*(_parts(row)[name] for row in rows), strict=True))
        pictures[name] = list(nets[0]) if len(nets) == 1 else [stack(list(net)) for net in nets]
    if "depth_map" in pictures:
        pictures["depth_map"] = torch.stack([_depth(picture) for picture in pictures["depth_map"]])
    return pictures


def _parts(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Gather `name.0`, `name.1`, ... into lists."""
    gathered: dict[str, dict[int, Any]] = {}
    for name, value in arguments.items():
        if match := _PART.fullmatch(name):
            gathered.setdefault(match[1], {})[int(match[2])] = value
    return {name: [parts[number] for number in sorted(parts)] for name, parts in gathered.items()}


def _depth(picture: Image) -> torch.Tensor:
    """Return a grey picture as numbers, [height, width]: what is nearer is brighter."""
    return torch.from_numpy(np.asarray(picture.convert("L"), dtype=np.float32) / 255)


class DiffusersRenderer:
    """Renders chunks with one pipeline on one device.

    A chunk of B frames is one plain call of the pipeline with B prompts and B CPU generators, in which prompts and
    noise are mixed where the pipeline encodes the one and draws the other. Torch is held to one CPU thread, so that
    bits do not depend on the machine's load or size; without a GPU, run one renderer per core instead.
    """

    def __init__(self, spec: DiffusersSpec) -> None:
        device = environment.this_device()
        determinism.apply(spec.determinism, device)
        diffusers.utils.logging.set_verbosity_error()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        diffusers.utils.logging.disable_progress_bar()
        self._torch_device = device
        self._spec = spec
        self._loaded = LoadedPipeline(spec, device)
        self.own_scheduler = self._loaded.own_scheduler
        self.device = environment.device_name(device)
        self.environment = environment.describe(spec)

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one picture per frame of the chunk.

        Raises:
            OutOfMemory: when the device has too little; what the call had taken is free again.
            RenderError: when the pipeline fails, or its picture would be no function of the recipe.
        """
        determinism.apply(self._spec.determinism, self._torch_device)
        try:
            return self._draw(chunk)
        except Exception as error:
            if not is_out_of_memory(error):
                self._loaded.recover()
                raise
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
        # Here the error is gone, and with it the tensors that its traceback kept.
        self._loaded.recover()
        give_back()
        raise OutOfMemory(self._too_large(chunk, said))

    def _draw(self, chunk: Chunk) -> list[Pixels | None]:
        frames = list(chunk.frames)
        slots = frames + [frames[-1]] * (chunk.batch_size - len(frames))
        self._loaded.prepare(slots[0].recipe)
        noises = [frame.recipe.noise for frame in slots]
        generators = generators_of(noises)
        sampler = f"{self._spec.pipeline} with {self._loaded.scheduler}"
        with (
            no_global_noise(self._torch_device, sampler),
            mixed_noise(noises, generators, self._loaded.denoiser),
            attention(self._spec.memory),
        ):
            images = self._call(slots, generators)
        _check_size(images[0], slots[0].recipe.arguments)
        return _pictures(images)[: len(frames)]

    def _call(self, slots: Sequence[Frame], generators: list[torch.Generator]) -> Any:
        """Return the pipeline's pictures, each [H, W, 3] in [0, 1]."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arguments = call_arguments(slots, self._loaded.read, self._loaded.stack)
                # Where only a part was painted anew, diffusers lays it back into the picture as Pillow's.
                kind = "pil" if "padding_mask_crop" in arguments else "np"
                images = self._loaded.pipeline(**arguments, generator=generators, output_type=kind).images
                return images if kind == "np" else np.stack([np.asarray(image) for image in images]) / 255
        except STOPPING:
            raise
        except (
            BaseException
        ) as error:  # schedulers and tokenizers fail in every way when their files do not suit them
            if is_out_of_memory(error) or isinstance(error, RenderError):
                raise
            raise RenderError(f"{self._spec.pipeline}: {_explained(error)}") from error

    def _too_large(self, chunk: Chunk, said: str) -> str:
        arguments = chunk.frames[0].recipe.arguments
        size = [arguments.get(side) for side in ("width", "height")]
        each = f" of {size[0]}x{size[1]}" if all(size) else ""
        frames = "1 frame" if chunk.batch_size == 1 else f"{chunk.batch_size} frames"
        return (
            f"{self._spec.pipeline}: out of memory on {self.device} with {frames}{each} in one call ({said}). Set a "
            "smaller render.batch_size, or smaller render.height and render.width, choose from model.memory, or end "
            "other programs that use this device."
        )


def _check_size(image: Any, arguments: Mapping[str, Scalar]) -> None:
    """Refuse pictures that a pipeline made smaller than it was asked to, as some do without a word."""
    for side, made in zip(("height", "width"), image.shape[:2], strict=True):
        asked = arguments.get(side)
        if asked is not None and asked != made:
            raise RenderError(
                f"{side} {asked}: this checkpoint made {made} pixels of it; give a size that it can make."
            )


def _pictures(images: Any) -> list[Pixels | None]:
    """Quantize pictures [B, H, W, 3] in [0, 1] as diffusers does for PIL; None for one that is not all numbers."""
    return [(image * 255).round().astype("uint8") if np.isfinite(image).all() else None for image in images]


def _explained(error: BaseException) -> str:
    operation = determinism.refused_operation(error)
    if operation:
        return (
            f"{operation}. With render.determinism: fast it runs, and its last bits may be others each time; a newer "
            "torch may have it in strict too."
        )
    if isinstance(error, (RuntimeError, ValueError, TypeError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
