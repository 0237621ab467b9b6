"""A loaded pipeline, prepared for one chunk after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from PIL.Image import Image

from farm.records import DiffusersSpec, Recipe, Scalar, SchedulerSpec
from farm.render.families.refined import Refined
from farm.render.loading.adapters import lora_names
from farm.render.loading.memory import TextEncoders
from farm.render.loading.pipeline import load_pipeline, load_refiner
from farm.render.loading.schedulers import make_scheduler
from farm.render.pictures import PictureReader
from farm.render.prompts.image_prompts import ImagePromptMixer
from farm.render.prompts.mixer import EncodersLoaded, PromptMixer

_OWN_SCHEDULER = SchedulerSpec(class_name="", config={})


class AdapterScales:
    """Sets the scales of LoRAs and IP-Adapters from a frame's `lora_scale.<k>` and `ip_adapter_scale.<k>`.

    Scales of LoRAs, which also change text encoders, are set within `encoders_loaded`.
    """

    def __init__(self, pipeline: Any, spec: DiffusersSpec, encoders_loaded: EncodersLoaded) -> None:
        self._pipeline = pipeline
        self._encoders_loaded = encoders_loaded
        self._loras = lora_names(spec.loras)
        self._image_adapters = len(spec.ip_adapters)
        self._lora_scales: tuple[Scalar, ...] = ()

    def set(self, arguments: Mapping[str, Scalar]) -> bool:
        """Set the scales of a frame; return whether those of LoRAs, on which encoded prompts depend, have changed."""
        if self._image_adapters:
            scales = [arguments[f"ip_adapter_scale.{number}"] for number in range(self._image_adapters)]
            self._pipeline.set_ip_adapter_scale(scales)
        lora_scales = tuple(arguments[f"lora_scale.{number}"] for number in range(len(self._loras)))
        if lora_scales == self._lora_scales:
            return False
        self._lora_scales = ()  # unknown if setting them fails
        with self._encoders_loaded():
            self._pipeline.set_adapters(self._loras, adapter_weights=list(lora_scales))
        self._lora_scales = lora_scales
        return True


class LoadedPipeline:
    """A pipeline with its adapters; `pipeline` is called with prompt mixtures, and with images that `read` returns.

    Raises:
        ModelError: when files are missing or differ from those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little memory.
    """

    def __init__(self, spec: DiffusersSpec, device: torch.device) -> None:
        base = load_pipeline(spec, device)
        encoders_loaded = _encoders_loaded(base, spec, device)
        self._stages = [_Stage(base, encoders_loaded)]
        self.pipeline: Any = base
        if spec.refiner is not None:
            refiner = load_refiner(spec.refiner, spec, device)
            self._stages.append(_Stage(refiner, _encoders_loaded(refiner, spec, device)))
            self.pipeline = Refined(base, refiner)
        self.read = PictureReader().open
        self._scales = AdapterScales(base, spec, encoders_loaded)
        if spec.ip_adapters:
            ImagePromptMixer(base, self.read)
        self.denoiser: torch.nn.Module = getattr(base, "unet", None) or base.transformer

    @property
    def own_scheduler(self) -> str:
        """Return the checkpoint's scheduler class."""
        return self._stages[0].own_scheduler

    @property
    def scheduler(self) -> str:
        """Return the current scheduler class."""
        return type(self._stages[0].pipeline.scheduler).__name__

    def prepare(self, recipe: Recipe) -> None:
        """Set the parts of a recipe that are not arguments of the call: scheduler and scales of adapters."""
        for stage in self._stages:
            stage.set_scheduler(recipe.scheduler)
        if self._scales.set(recipe.arguments):
            self._stages[0].prompts.clear_cache()

    def stack(self, images: Sequence[Image], height: int | None, width: int | None) -> torch.Tensor:
        """Return a ControlNet's images as the pipeline preprocesses them: [B, 3, height, width] in [0, 1]."""
        processor = self.pipeline.control_image_processor
        stacked: torch.Tensor = processor.preprocess(list(images), height=height, width=width)
        return stacked

    def reset(self) -> None:
        """Restore the state before a failed call, and free the tensors that schedulers keep between steps."""
        for stage in self._stages:
            stage.reset()


def _encoders_loaded(pipeline: Any, spec: DiffusersSpec, device: torch.device) -> EncodersLoaded:
    """Return the context in which text encoders are used: loading them if they are released in between."""
    if not spec.memory.release_text_encoders:
        return nullcontext
    return TextEncoders(pipeline, device).loaded


class _Stage:
    """A pipeline with its prompt mixer and scheduler."""

    def __init__(self, pipeline: Any, encoders_loaded: EncodersLoaded) -> None:
        self.pipeline = pipeline
        self.prompts = PromptMixer(pipeline, encoders_loaded)
        self.own_scheduler = type(pipeline.scheduler).__name__
        self._config = {**pipeline.scheduler.config, "_class_name": self.own_scheduler}
        self._vae = getattr(pipeline, "vae", None) or pipeline.vqvae
        self._vae_dtype = self._vae.dtype

    def reset(self) -> None:
        self.set_scheduler(_OWN_SCHEDULER)
        if self._vae.dtype != self._vae_dtype:
            self._vae.to(self._vae_dtype)  # SDXL decodes in float32, and a failed call does not restore it
        self.pipeline.maybe_free_model_hooks()

    def set_scheduler(self, spec: SchedulerSpec) -> None:
        # A new one each time, so that no state of one chunk's steps reaches another chunk.
        self.pipeline.scheduler = make_scheduler(self._config, spec)
