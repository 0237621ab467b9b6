"""Latent Diffusion (Rombach et al. 2022): diffusers' pipeline encodes its prompts inside its call."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from diffusers import ImagePipelineOutput, LDMTextToImagePipeline
from diffusers.utils.torch_utils import randn_tensor


class LatentDiffusion(LDMTextToImagePipeline):  # type: ignore[misc]
    """LDMTextToImagePipeline with its prompts encoded apart, so that they can be mixed; else the same steps.

    Its scheduler gets the generators, which diffusers' pipeline keeps from it: with `eta` above 0 that one draws
    from torch's global generator.
    """

    def encode_prompt(self, prompt: Sequence[str]) -> torch.Tensor:
        """Return the states of BERT, [B, 77, d]."""
        tokens = self.tokenizer(
            list(prompt), padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        states: torch.Tensor = self.bert(tokens.input_ids.to(self._execution_device))[0]
        return states

    @torch.no_grad()
    def __call__(
        self,
        prompt: list[str],
        *,
        generator: list[torch.Generator],
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 1.0,
        eta: float = 0.0,
        output_type: str = "np",
    ) -> ImagePipelineOutput:
        """Return pictures of the prompts, [B, height, width, 3] in [0, 1]; guidance is off at a scale of 1."""
        own = self.unet.config.sample_size * self.vae_scale_factor
        shape = (len(prompt), self.unet.config.in_channels, (height or own) // 8, (width or own) // 8)
        is_guided = guidance_scale != 1.0
        context = self.encode_prompt(prompt)
        latents = randn_tensor(shape, generator=generator, device=self._execution_device, dtype=context.dtype)
        if is_guided:
            context = torch.cat([self.encode_prompt([""] * len(prompt)), context])
        self.scheduler.set_timesteps(num_inference_steps)
        extra = self._of_step(eta, generator)
        for t in self.progress_bar(self.scheduler.timesteps):
            predicted = self.unet(
                torch.cat([latents] * 2) if is_guided else latents, t, encoder_hidden_states=context
            ).sample
            if is_guided:
                without, towards = predicted.chunk(2)
                predicted = without + guidance_scale * (towards - without)
            latents = self.scheduler.step(predicted, t, latents, **extra).prev_sample
        decoded = self.vqvae.decode(1 / self.vqvae.config.scaling_factor * latents).sample
        pictures = (decoded / 2 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).float().numpy()
        return ImagePipelineOutput(images=pictures if output_type == "np" else self.numpy_to_pil(pictures))

    def _of_step(self, eta: float, generator: list[torch.Generator]) -> dict[str, Any]:
        takes = inspect.signature(self.scheduler.step).parameters
        offered = {"eta": eta, "generator": generator}
        return {name: value for name, value in offered.items() if name in takes}
