"""The schedulers of diffusers: the supported ones, and the refused ones with a reason for each.

They are listed by name, so that a manifest can be checked without loading diffusers. The names are those of diffusers
0.42.1: `sorted(name for name in dir(diffusers) if name.endswith("Scheduler"))`. A supported scheduler can sample the
latents of at least one supported pipeline, and draws all noise from the frames' own generators: a recipe gives the
same bits regardless of earlier renders and of the other frames in the batch. Tests compare the lists with the
installed diffusers, and render with every supported scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping

DIFFUSION = (
    "CMStochasticIterativeScheduler",
    "CogVideoXDDIMScheduler",
    "CosineDPMSolverMultistepScheduler",
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDIMScheduler",
    "DDPMParallelScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepInverseScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EDMDPMSolverMultistepScheduler",
    "EDMEulerScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "IPNDMScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)
"""For diffusion models. CosineDPMSolverMultistepScheduler requires torchsde, LMSDiscreteScheduler scipy."""

FLOW = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler")
"""For flow-matching models, such as Stable Diffusion 3 and Flux."""

SOLVERS = (
    *("DEISMultistepScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"),
    "UniPCMultistepScheduler",
)
"""Schedulers in `DIFFUSION` that can also sample flow-matching models, with the right settings."""

SCHEDULERS = (*DIFFUSION, *FLOW)
"""The supported schedulers."""

_OTHER_FLOW = "It samples flow-matching models that the farm does not support."
_TOKENS = "It samples tokens, not latents."
_IGNORES_GENERATORS = (
    "Its step() ignores generators and draws from torch's global one, so its frames could not be reproduced; "
    "DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ is stochastic and reproducible."
)

REFUSED: Mapping[str, str] = {
    "AmusedScheduler": _TOKENS,
    "BlockRefinementScheduler": _TOKENS,
    "CogVideoXDPMScheduler": "Its step() requires the previous prediction, which only CogVideoX's pipelines pass.",
    "DDPMWuerstchenScheduler": "Only the pipelines of Wuerstchen and Stable Cascade can call it.",
    "DPMSolverSDEScheduler": _IGNORES_GENERATORS,
    "DiscreteDDIMScheduler": _TOKENS,
    "EntropyBoundScheduler": _TOKENS,
    "FlowMapEulerDiscreteScheduler": _OTHER_FLOW,
    "HeliosDMDScheduler": _OTHER_FLOW,
    "HeliosScheduler": _OTHER_FLOW,
    "KarrasVeScheduler": "Its step() requires a second sample, which only its own unconditional pipeline passes.",
    "LTXEulerAncestralRFScheduler": _OTHER_FLOW,
    "MiniMaxH3Scheduler": _OTHER_FLOW,
    "PiflowScheduler": _OTHER_FLOW,
    "RFD4ProteinaScheduler": "It samples proteins.",
    "RePaintScheduler": "It inpaints a given picture, which no supported pipeline passes.",
    "SCMScheduler": "Its step() fails at the last timestep, which only Sana Sprint's pipeline omits.",
    "ScoreSdeVeScheduler": "It has no step(); only its own unconditional pipeline can call it.",
    "UnCLIPScheduler": "Only the pipelines of unCLIP and Kandinsky can call it.",
    "VQDiffusionScheduler": _TOKENS,
}
"""The other schedulers, each with the reason to refuse it."""
