"""A base and a refiner as one pipeline (Podell et al. 2023, section 2.5: an ensemble of expert denoisers)."""

from __future__ import annotations

from typing import Any

_REFINER_ONLY = ("aesthetic_score", "negative_aesthetic_score")
_BOTH = (
    *(
        "prompt",
        "negative_prompt",
        "num_inference_steps",
        "guidance_scale",
        "guidance_rescale",
        "eta",
        "clip_skip",
    ),
    *("original_size", "target_size", "crops_coords_top_left", "generator"),
    *("negative_original_size", "negative_target_size", "negative_crops_coords_top_left"),
)


class Refined:
    """Runs the first steps with the base, and the remaining ones on its latents with the refiner."""

    def __init__(self, base: Any, refiner: Any) -> None:
        self.base = base
        self.refiner = refiner

    def __call__(self, *, denoising_end: float, output_type: str, **arguments: Any) -> Any:
        """Return the refiner's output; `denoising_end` in (0, 1) is the share of the steps that the base runs."""
        latents = self.base(
            **{name: value for name, value in arguments.items() if name not in _REFINER_ONLY},
            denoising_end=denoising_end,
            output_type="latent",
        ).images
        return self.refiner(
            **{name: value for name, value in arguments.items() if name in (*_BOTH, *_REFINER_ONLY)},
            image=latents,
            denoising_start=denoising_end,
            output_type=output_type,
        )
