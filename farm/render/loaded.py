"""A pipeline as it was loaded, and made ready for one chunk after another."""

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
from farm.render.prompts.mixer import AtHand, PromptMixer


class AdapterScales:
    """Sets how strongly LoRAs and IP-Adapters act, from a frame's `lora_scale.<k>` and `ip_adapter_scale.<k>`.

    Text encoders, into which LoRAs reach, are there within `at_hand`.
    """

    def __init__(self, pipeline: Any, spec: DiffusersSpec, at_hand: AtHand) -> None:
        self._pipeline = pipeline
        self._at_hand = at_hand
        self._loras = lora_names(spec.loras)
        self._image_adapters = len(spec.ip_adapters)
        self._set: tuple[Scalar, ...] = ()

    def set(self, arguments: Mapping[str, Scalar]) -> bool:
        """Set the scales of a frame; tell whether LoRAs, which reach into text encoders, act otherwise than before."""
        if self._image_adapters:
            scales = [arguments[f"ip_adapter_scale.{number}"] for number in range(self._image_adapters)]
            self._pipeline.set_ip_adapter_scale(scales)
        wanted = tuple(arguments[f"lora_scale.{number}"] for number in range(len(self._loras)))
        if wanted == self._set:
            return False
        self._set = ()  # nobody knows which are set, should this fail
        with self._at_hand():
            self._pipeline.set_adapters(self._loras, adapter_weights=list(wanted))
        self._set = wanted
        return True


_OWN = SchedulerSpec(class_name="", config={})


class LoadedPipeline:
    """`pipeline` is what is called: with mixtures for prompts, and pictures that `read` gives.

    Raises:
        ModelError: when files are missing or not those of `spec`, or weights are not safetensors.
        OutOfMemory: when the device has too little for it.
    """

    def __init__(self, spec: DiffusersSpec, device: torch.device) -> None:
        base = load_pipeline(spec, device)
        at_hand = _at_hand(base, spec, device)
        self._stages = [_Stage(base, at_hand)]
        self.pipeline: Any = base
        if spec.refiner is not None:
            refiner = load_refiner(spec.refiner, spec, device)
            self._stages.append(_Stage(refiner, _at_hand(refiner, spec, device)))
            self.pipeline = Refined(base, refiner)
        self.read = PictureReader().open
        self._scales = AdapterScales(base, spec, at_hand)
        if spec.ip_adapters:
            ImagePromptMixer(base, self.read)
        self.denoiser: torch.nn.Module = getattr(base, "unet", None) or base.transformer

    @property
    def own_scheduler(self) -> str:
        """The scheduler class of the checkpoint."""
        return self._stages[0].own_scheduler

    @property
    def scheduler(self) -> str:
        """The scheduler class that samples now."""
        return type(self._stages[0].pipeline.scheduler).__name__

    def prepare(self, recipe: Recipe) -> None:
        """Set what a recipe has beside its call: scheduler, and scales of adapters."""
        for stage in self._stages:
            stage.set_scheduler(recipe.scheduler)
        if self._scales.set(recipe.arguments):
            self._stages[0].prompts.forget()

    def stack(self, pictures: Sequence[Image], height: int | None, width: int | None) -> torch.Tensor:
        """Return a ControlNet's pictures as the pipeline would make them: [B, 3, height, width] in [0, 1]."""
        processor = self.pipeline.control_image_processor
        stacked: torch.Tensor = processor.preprocess(list(pictures), height=height, width=width)
        return stacked

    def recover(self) -> None:
        """Be as before a call that failed, and let go of the tensors that schedulers keep from step to step."""
        for stage in self._stages:
            stage.recover()


def _at_hand(pipeline: Any, spec: DiffusersSpec, device: torch.device) -> AtHand:
    """Return what stands around the work of text encoders: nothing, or having them fetched."""
    if not spec.memory.release_text_encoders:
        return nullcontext
    return TextEncoders(pipeline, device).at_hand


class _Stage:
    """One pipeline with its own prompts and its own scheduler."""

    def __init__(self, pipeline: Any, at_hand: AtHand) -> None:
        self.pipeline = pipeline
        self.prompts = PromptMixer(pipeline, at_hand)
        self.own_scheduler = type(pipeline.scheduler).__name__
        self._config = {**pipeline.scheduler.config, "_class_name": self.own_scheduler}
        self._vae = getattr(pipeline, "vae", None) or pipeline.vqvae
        self._vae_dtype = self._vae.dtype

    def recover(self) -> None:
        self.set_scheduler(_OWN)
        if self._vae.dtype != self._vae_dtype:
            self._vae.to(self._vae_dtype)  # SDXL decodes in float32, and goes back once it has decoded
        self.pipeline.maybe_free_model_hooks()

    def set_scheduler(self, spec: SchedulerSpec) -> None:
        # A fresh one each time: what it remembers of the steps of one chunk cannot reach another.
        self.pipeline.scheduler = make_scheduler(self._config, spec)
