"""The real renderer: a loaded diffusers pipeline, called once per chunk."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from farm.canonical import canonical_json
from farm.errors import RenderError
from farm.records import Chunk, DiffusersSpec, Frame, Pixels, Scalar, SchedulerSpec
from farm.render.conditioning import Embeddings, PromptEncoder
from farm.render.loading import adapter_names, load_pipeline, make_scheduler
from farm.render.noise import initial_latents

_NOT_OF_THE_CALL = {"clip_skip", "height", "width"}
_LORA_SCALE = "lora_scale."


class DiffusersRenderer:
    """Renders chunks with one pipeline on one device.

    A chunk of B frames is one call with B embeddings, B latents and B generators: what a plain call of the
    pipeline with a list of B CPU generators does. On a CPU torch is held to one thread, so that bits do not
    depend on the machine's load or size; run one renderer per core instead.
    """

    def __init__(self, spec: DiffusersSpec) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if device.type == "cpu":
            torch.set_num_threads(1)
        diffusers.utils.logging.set_verbosity_error()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        diffusers.utils.logging.disable_progress_bar()
        self._torch_device = device
        self._pipeline = load_pipeline(spec, device)
        self.own_scheduler = type(self._pipeline.scheduler).__name__
        self._scheduler_config = {**self._pipeline.scheduler.config, "_class_name": self.own_scheduler}
        self._scheduler = ""
        self._adapters = adapter_names(spec)
        self._lora_scales: list[Scalar] = []
        self._positive = PromptEncoder(self._encode_positive)
        self._negative = PromptEncoder(self._encode_negative)
        self.device = f"cuda ({torch.cuda.get_device_name()})" if device.type == "cuda" else "cpu"
        self.environment = _environment(self.device, spec.torch_dtype)

    def render(self, chunk: Chunk) -> list[Pixels]:
        """Return one picture per frame of the chunk."""
        frames = list(chunk.frames)
        slots = frames + [frames[-1]] * (chunk.batch_size - len(frames))
        recipe = slots[0].recipe
        self._set_scheduler(recipe.scheduler)
        latents, generators = self._latents(slots)
        self._set_lora_scales(recipe.arguments)
        arguments = {
            name: value
            for name, value in recipe.arguments.items()
            if name not in _NOT_OF_THE_CALL and not name.startswith(_LORA_SCALE)
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                images = self._pipeline(
                    **self._conditioning(slots),
                    **arguments,
                    latents=latents,
                    generator=generators,
                    output_type="np",
                ).images
        except (RuntimeError, ValueError, TypeError) as error:
            raise RenderError(f"{type(self._pipeline).__name__}: {error}") from error
        return _pictures(images)[: len(frames)]

    def _set_scheduler(self, spec: SchedulerSpec) -> None:
        wanted = canonical_json(spec)
        if wanted != self._scheduler:
            self._pipeline.scheduler = make_scheduler(self._scheduler_config, spec)
            self._scheduler = wanted

    def _set_lora_scales(self, arguments: Mapping[str, Scalar]) -> None:
        scales = [arguments[f"{_LORA_SCALE}{number}"] for number in range(len(self._adapters))]
        if scales != self._lora_scales:
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


def _pictures(images: Any) -> list[Pixels]:
    """Quantize pictures [B, H, W, 3] in [0, 1] as diffusers does for PIL."""
    if not np.isfinite(images).all():
        raise RenderError(
            "the pipeline returned NaN; float16 overflowed, most likely: set model.torch_dtype to float32 or bfloat16."
        )
    return list((images * 255).round().astype("uint8"))


def _environment(device: str, torch_dtype: str) -> str:
    return json.dumps(
        {
            "device": device,
            "torch_dtype": torch_dtype,
            "threads": torch.get_num_threads(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "platform": f"{platform.system()}-{platform.machine()}",
        },
        sort_keys=True,
    )
