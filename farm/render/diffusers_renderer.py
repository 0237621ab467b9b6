"""The real renderer: a loaded diffusers pipeline, called once per chunk."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from farm.errors import OutOfMemory, RenderError
from farm.records import Chunk, DiffusersSpec, Frame, Pixels, Scalar, SchedulerSpec
from farm.render import determinism, environment
from farm.render.conditioning import Embeddings, PromptEncoder
from farm.render.global_noise import no_global_noise
from farm.render.loading import adapter_names, load_pipeline, make_scheduler
from farm.render.memory import give_back, is_out_of_memory
from farm.render.noise import initial_latents

_NOT_OF_THE_CALL = {"clip_skip", "height", "width"}
_LORA_SCALE = "lora_scale."
_OWN_SCHEDULER = SchedulerSpec(class_name="", config={})


class DiffusersRenderer:
    """Renders chunks with one pipeline on one device.

    A chunk of B frames is one call with B embeddings, B latents and B generators: what a plain call of the
    pipeline with a list of B CPU generators does. Torch is held to one CPU thread, so that bits do not depend on
    the machine's load or size; without a GPU, run one renderer per core instead.
    """

    def __init__(self, spec: DiffusersSpec) -> None:
        device = environment.this_device()
        determinism.apply(spec.determinism, device)
        diffusers.utils.logging.set_verbosity_error()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        diffusers.utils.logging.disable_progress_bar()
        self._torch_device = device
        self._determinism = spec.determinism
        self._pipeline = load_pipeline(spec, device)
        self._name = type(self._pipeline).__name__
        self.own_scheduler = type(self._pipeline.scheduler).__name__
        self._scheduler_config = {**self._pipeline.scheduler.config, "_class_name": self.own_scheduler}
        self._adapters = adapter_names(spec)
        self._lora_scales: list[Scalar] = []
        self._positive = PromptEncoder(self._encode_positive)
        self._negative = PromptEncoder(self._encode_negative)
        self.device = environment.device_name(device)
        self.environment = environment.describe(spec)

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one picture per frame of the chunk.

        Raises:
            OutOfMemory: when the device has too little; what the call had taken is free again.
            RenderError: when the pipeline fails, or its picture would be no function of the recipe.
        """
        determinism.apply(self._determinism, self._torch_device)
        try:
            return self._draw(chunk)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
        # Here the error is gone, and with it the tensors that its traceback kept.
        self._set_scheduler(_OWN_SCHEDULER)
        give_back()
        raise OutOfMemory(self._too_large(chunk, said))

    def _draw(self, chunk: Chunk) -> list[Pixels | None]:
        frames = list(chunk.frames)
        slots = frames + [frames[-1]] * (chunk.batch_size - len(frames))
        recipe = slots[0].recipe
        self._set_scheduler(recipe.scheduler)
        latents, generators = self._latents(slots)
        self._set_lora_scales(recipe.arguments)
        conditioning = self._conditioning(slots)
        arguments = {
            name: value
            for name, value in recipe.arguments.items()
            if name not in _NOT_OF_THE_CALL and not name.startswith(_LORA_SCALE)
        }
        sampler = f"{self._name} with {type(self._pipeline.scheduler).__name__}"
        with no_global_noise(self._torch_device, sampler):
            images = self._call(**conditioning, **arguments, latents=latents, generator=generators)
        return _pictures(images)[: len(frames)]

    def _call(self, **arguments: Any) -> Any:
        """Return the pipeline's pictures, [B, H, W, 3] in [0, 1]."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._pipeline(**arguments, output_type="np").images
        except Exception as error:  # schedulers fail in every way when their configuration does not suit them
            if is_out_of_memory(error):
                raise
            raise RenderError(f"{self._name}: {_explained(error)}") from error

    def _too_large(self, chunk: Chunk, said: str) -> str:
        *_, height, width = self._latent_shape(chunk.frames[0])
        factor = self._pipeline.vae_scale_factor
        frames = "1 frame" if chunk.batch_size == 1 else f"{chunk.batch_size} frames"
        return (
            f"{self._name}: out of memory on {self.device} with {frames} of {width * factor}x{height * factor} in one "
            f"call ({said}). Set a smaller render.batch_size, or smaller render.height and render.width, or end "
            "other programs that use this device."
        )

    def _set_scheduler(self, spec: SchedulerSpec) -> None:
        # A fresh one each time: what it remembers of the steps of one chunk cannot reach another.
        self._pipeline.scheduler = make_scheduler(self._scheduler_config, spec)

    def _set_lora_scales(self, arguments: Mapping[str, Scalar]) -> None:
        scales = [arguments[f"{_LORA_SCALE}{number}"] for number in range(len(self._adapters))]
        if scales != self._lora_scales:
            self._lora_scales = []  # nobody knows which are set, should this fail
            self._pipeline.set_adapters(self._adapters, adapter_weights=scales)
            self._lora_scales = scales
            # An adapter may reach into the text encoder: what was encoded before is of other weights.
            self._positive.forget()
            self._negative.forget()

    def _latents(self, slots: Sequence[Frame]) -> tuple[torch.Tensor, list[torch.Generator]]:
        shape = self._latent_shape(slots[0])
        drawn = [initial_latents(frame.recipe.noise, shape) for frame in slots]
        latents = torch.cat([noise for noise, _ in drawn])
        return (
            latents.to(self._torch_device, self._pipeline.unet.dtype),
            [generator for _, generator in drawn],
        )

    def _latent_shape(self, frame: Frame) -> tuple[int, int, int, int]:
        unet, factor = self._pipeline.unet, self._pipeline.vae_scale_factor
        own = unet.config.sample_size
        own_height, own_width = (own, own) if isinstance(own, int) else own
        sizes = []
        for name, latent_size in (("height", own_height), ("width", own_width)):
            asked = frame.recipe.arguments.get(name)
            pixels = latent_size * factor if asked is None else int(asked)
            if pixels % factor:
                raise RenderError(f"{name} {pixels}: this checkpoint needs a multiple of {factor}.")
            sizes.append(pixels // factor)
        return (1, unet.config.in_channels, sizes[0], sizes[1])

    def _conditioning(self, slots: Sequence[Frame]) -> dict[str, torch.Tensor]:
        stacked: dict[str, list[torch.Tensor]] = {}
        for frame in slots:
            conditioning = frame.recipe.conditioning
            clip_skip = frame.recipe.arguments.get("clip_skip")
            skip = None if clip_skip is None else int(clip_skip)
            tensors = {
                **self._positive.mixed(conditioning, skip),
                **self._negative.encoded(conditioning.negative_prompt, skip),
            }
            for name, tensor in tensors.items():
                stacked.setdefault(name, []).append(tensor)
        return {name: torch.cat(tensors) for name, tensors in stacked.items()}

    def _encode_positive(self, prompt: str, clip_skip: int | None) -> Embeddings:
        with torch.no_grad():
            embeds, _ = self._pipeline.encode_prompt(
                prompt, self._torch_device, 1, False, clip_skip=clip_skip
            )
        return {"prompt_embeds": embeds}

    def _encode_negative(self, prompt: str, clip_skip: int | None) -> Embeddings:
        # Asked for beside an empty prompt, as the pipeline encodes it: clip_skip does not reach the negative.
        with torch.no_grad():
            _, embeds = self._pipeline.encode_prompt(
                "", self._torch_device, 1, True, negative_prompt=prompt, clip_skip=clip_skip
            )
        return {"negative_prompt_embeds": embeds}


def _pictures(images: Any) -> list[Pixels | None]:
    """Quantize pictures [B, H, W, 3] in [0, 1] as diffusers does for PIL; None for one that is not all numbers."""
    return [(image * 255).round().astype("uint8") if np.isfinite(image).all() else None for image in images]


def _explained(error: Exception) -> str:
    operation = determinism.refused_operation(error)
    if operation:
        return (
            f"{operation}. With render.determinism: fast it runs, and its last bits may be others each time; a newer "
            "torch may have it in strict too."
        )
    if isinstance(error, (RuntimeError, ValueError, TypeError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
