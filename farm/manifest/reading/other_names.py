"""Keys that one may well expect in a section: other programs' names, and what stands in another place."""

from __future__ import annotations

from collections.abc import Mapping

OTHER_NAMES: Mapping[str, Mapping[str, str]] = {
    "render": {
        "steps": "'num_inference_steps'",
        "cfg": "'guidance_scale'",
        "cfg_scale": "'guidance_scale'",
        "prompt": "'animation.prompt' or 'animation.prompts', by its kind",
        "prompts": "'animation.prompts'",
        "sampler": "'model.scheduler'",
        "scheduler": "'model.scheduler'",
        "seed": "'seed' beside render",
        "n_iter": "'animation.num_images_per_prompt' with kind: stills",
        "num_images_per_prompt": "'animation.num_images_per_prompt' with kind: stills",
    }
}
"""By section and key: what is meant, as part of a sentence."""
