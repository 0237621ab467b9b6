"""Renders with a loaded diffusers pipeline, called once per chunk."""

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
from farm.render.loading.memory import attention_kernel
from farm.render.memory import free_memory, is_out_of_memory
from farm.render.noise import make_generators, mixed_noise
from farm.render.prompts.mixer import PromptMixture

_ADAPTER_SCALES = ("lora_scale.", "ip_adapter_scale.")
_NUMBERED = re.compile(r"(\w+)\.(\d+)")
_PAIRS = re.compile(r"(negative_)?(original_size|target_size|crops_coords_top_left)")

ReadImage = Callable[[InputPicture], Image]
StackImages = Callable[[Sequence[Image], int | None, int | None], torch.Tensor]


def call_arguments(slots: Sequence[Frame], read: ReadImage, stack: StackImages) -> dict[str, Any]:
    """Return the arguments of a pipeline's call for these frames, except generators.

    `read` opens an image, `stack` makes a tensor [B, 3, height, width] of a ControlNet's images. Numbers are those of
    the first frame, as a call takes one for all frames; null values are left to the pipeline.
    """
    first = slots[0].recipe
    prompts = [frame.recipe.conditioning for frame in slots]
    arguments: dict[str, Any] = {"prompt": [PromptMixture(conditioning) for conditioning in prompts]}
    if prompts[0].negative_prompt is not None:
        arguments["negative_prompt"] = [conditioning.negative_prompt for conditioning in prompts]
    arguments |= _numbers(first.arguments)
    size = arguments.get("height"), arguments.get("width")
    arguments |= _images(slots, read, lambda images: stack(images, *size))
    if first.image_prompts:
        arguments["ip_adapter_image"] = [frame.recipe.image_prompts for frame in slots]
    if "padding_mask_crop" in arguments:  # diffusers supports it for a single image only
        single = ("image", "mask_image", "control_image")
        arguments |= {name: arguments[name][0] for name in single if name in arguments}
    return arguments


def _numbers(arguments: Mapping[str, Scalar]) -> dict[str, Any]:
    """Return the numeric arguments of a call, with `name.0`, `name.1`, ... gathered into pairs and lists."""
    used = {
        name: value
        for name, value in arguments.items()
        if value is not None and not name.startswith(_ADAPTER_SCALES)
    }
    numbers: dict[str, Any] = {name: value for name, value in used.items() if not _NUMBERED.fullmatch(name)}
    for name, parts in _gathered(used).items():
        if _PAIRS.fullmatch(name):
            numbers[name] = tuple(parts)
        else:
            numbers[name] = parts[0] if len(parts) == 1 else parts
    return numbers


def _images(
    slots: Sequence[Frame], read: ReadImage, stack: Callable[[Sequence[Image]], torch.Tensor]
) -> dict[str, Any]:
    """Return the frames' images: for each argument a list of one per frame, for several ControlNets a stack of each."""
    rows = [{name: read(picture) for name, picture in frame.recipe.pictures.items()} for frame in slots]
    images: dict[str, Any] = {
        name: [row[name] for row in rows] for name in rows[0] if not _NUMBERED.fullmatch(name)
    }
    for name in _gathered(rows[0]):
        nets = list(zip(*(_gathered(row)[name] for row in rows), strict=True))
        images[name] = list(nets[0]) if len(nets) == 1 else [stack(list(net)) for net in nets]
    if "depth_map" in images:
        images["depth_map"] = torch.stack([_depth(image) for image in images["depth_map"]])
    return images


def _gathered(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Gather `name.0`, `name.1`, ... into lists."""
    gathered: dict[str, dict[int, Any]] = {}
    for name, value in arguments.items():
        if match := _NUMBERED.fullmatch(name):
            gathered.setdefault(match[1], {})[int(match[2])] = value
    return {name: [parts[number] for number in sorted(parts)] for name, parts in gathered.items()}


def _depth(image: Image) -> torch.Tensor:
    """Return a grey image as a depth map [height, width] in [0, 1], brighter where nearer."""
    return torch.from_numpy(np.asarray(image.convert("L"), dtype=np.float32) / 255)


class DiffusersRenderer:
    """Renders chunks with one pipeline on one device.

    A chunk of B frames is one plain call of the pipeline with B prompts and B CPU generators. Prompts are mixed where
    the pipeline encodes them, and noise where it draws it. Torch uses a single CPU thread, so that bits do not depend
    on the machine's load or size; without a GPU, run one renderer per core instead.
    """

    def __init__(self, spec: DiffusersSpec) -> None:
        device = environment.this_device()
        determinism.apply(spec.determinism, device)
        diffusers.utils.logging.set_verbosity_error()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        diffusers.utils.logging.disable_progress_bar()
        self._device = device
        self._spec = spec
        self._loaded = LoadedPipeline(spec, device)
        self.own_scheduler = self._loaded.own_scheduler
        self.device = environment.device_name(device)
        self.environment = environment.describe(spec)

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one image per frame of the chunk, None for an unusable one.

        Raises:
            OutOfMemory: when the device has too little memory; what the call allocated is free again.
            RenderError: when the pipeline fails, or the frames would not be reproducible from their recipes.
        """
        determinism.apply(self._spec.determinism, self._device)
        try:
            return self._render(chunk)
        except Exception as error:
            if not is_out_of_memory(error):
                self._loaded.reset()
                raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        # Outside of the except clause, where the tensors in the error's traceback are unreferenced.
        self._loaded.reset()
        free_memory()
        raise OutOfMemory(self._out_of_memory(chunk, reason))

    def _render(self, chunk: Chunk) -> list[Pixels | None]:
        frames = list(chunk.frames)
        slots = frames + [frames[-1]] * (chunk.batch_size - len(frames))
        self._loaded.prepare(slots[0].recipe)
        noises = [frame.recipe.noise for frame in slots]
        generators = make_generators(noises)
        sampler = f"{self._spec.pipeline} with {self._loaded.scheduler}"
        with (
            no_global_noise(self._device, sampler),
            mixed_noise(noises, generators, self._loaded.denoiser),
            attention_kernel(self._spec.memory),
        ):
            images = self._call(slots, generators)
        _check_size(images[0], slots[0].recipe.arguments)
        return _quantized(images)[: len(frames)]

    def _call(self, slots: Sequence[Frame], generators: list[torch.Generator]) -> Any:
        """Return the pipeline's images, [B, H, W, 3] in [0, 1]."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arguments = call_arguments(slots, self._loaded.read, self._loaded.stack)
                # With this argument diffusers pastes the painted part back into a Pillow image.
                kind = "pil" if "padding_mask_crop" in arguments else "np"
                images = self._loaded.pipeline(**arguments, generator=generators, output_type=kind).images
                return images if kind == "np" else np.stack([np.asarray(image) for image in images]) / 255
        except STOPPING:
            raise
        except BaseException as error:  # schedulers and tokenizers raise anything for unsuitable files
            if is_out_of_memory(error) or isinstance(error, RenderError):
                raise
            raise RenderError(f"{self._spec.pipeline}: {_explained(error)}") from error

    def _out_of_memory(self, chunk: Chunk, reason: str) -> str:
        arguments = chunk.frames[0].recipe.arguments
        size = [arguments.get(side) for side in ("width", "height")]
        each = f" of {size[0]}x{size[1]}" if all(size) else ""
        frames = "1 frame" if chunk.batch_size == 1 else f"{chunk.batch_size} frames"
        return (
            f"{self._spec.pipeline}: out of memory on {self.device} with {frames}{each} in one call ({reason}). "
            "Reduce render.batch_size, or render.height and render.width, choose options of model.memory, or end "
            "other programs that use this device."
        )


def _check_size(image: Any, arguments: Mapping[str, Scalar]) -> None:
    """Refuse images that do not have the requested size; some pipelines return them without a warning."""
    for side, actual in zip(("height", "width"), image.shape[:2], strict=True):
        requested = arguments.get(side)
        if requested is not None and requested != actual:
            raise RenderError(
                f"{side} {requested}: this checkpoint rendered {actual} pixels; choose a size that it supports."
            )


def _quantized(images: Any) -> list[Pixels | None]:
    """Quantize images [B, H, W, 3] in [0, 1] as diffusers does for PIL; None for one with NaN or infinite values."""
    return [(image * 255).round().astype("uint8") if np.isfinite(image).all() else None for image in images]


def _explained(error: BaseException) -> str:
    operation = determinism.nondeterministic_operation(error)
    if operation:
        return (
            f"{operation}. It runs with render.determinism: fast, where its last bits may differ each time; a newer "
            "torch may support it in strict as well."
        )
    if isinstance(error, (RuntimeError, ValueError, TypeError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
