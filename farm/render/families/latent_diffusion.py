"""Latent Diffusion (Rombach et al. 2022), whose pipeline in diffusers encodes prompts inside its call."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from diffusers import ImagePipelineOutput, LDMTextToImagePipeline
from diffusers.utils.torch_utils import randn_tensor


class LatentDiffusion(LDMTextToImagePipeline):  # type: ignore[misc]
    """LDMTextToImagePipeline with a separate `encode_prompt`, so that prompts can be mixed; otherwise the same steps.

    The scheduler gets the generators; diffusers' pipeline does not pass them on, and with `eta` above 0 draws from
    torch's global generator.
    """

    def encode_prompt(self, prompt: Sequence[str]) -> torch.Tensor:
        """Return BERT's hidden states, [B, 77, d]."""
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
        """Return images of the prompts, [B, height, width, 3] in [0, 1]; a scale of 1 turns guidance off."""
        default = self.unet.config.sample_size * self.vae_scale_factor
        shape = (len(prompt), self.unet.config.in_channels, (height or default) // 8, (width or default) // 8)
        is_guided = guidance_scale != 1.0
        context = self.encode_prompt(prompt)
        latents = randn_tensor(shape, generator=generator, device=self._execution_device, dtype=context.dtype)
        if is_guided:
            context = torch.cat([self.encode_prompt([""] * len(prompt)), context])
        self.scheduler.set_timesteps(num_inference_steps)
        extra = self._step_arguments(eta, generator)
        for t in self.progress_bar(self.scheduler.timesteps):
            predicted = self.unet(
                torch.cat([latents] * 2) if is_guided else latents, t, encoder_hidden_states=context
            ).sample
            if is_guided:
                unconditional, conditional = predicted.chunk(2)
                predicted = unconditional + guidance_scale * (conditional - unconditional)
            latents = self.scheduler.step(predicted, t, latents, **extra).prev_sample
        decoded = self.vqvae.decode(1 / self.vqvae.config.scaling_factor * latents).sample
        images = (decoded / 2 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).float().numpy()
        return ImagePipelineOutput(images=images if output_type == "np" else self.numpy_to_pil(images))

    def _step_arguments(self, eta: float, generator: list[torch.Generator]) -> dict[str, Any]:
        takes = inspect.signature(self.scheduler.step).parameters
        arguments = {"eta": eta, "generator": generator}
        return {name: value for name, value in arguments.items() if name in takes}
