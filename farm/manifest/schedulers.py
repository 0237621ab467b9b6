"""The schedulers of diffusers: those that render, and those that are refused, each with the reason.

Known by name so that a manifest is checked without loading diffusers. Made from diffusers 0.42.1: the names are
`sorted(name for name in dir(diffusers) if name.endswith("Scheduler"))`, and each was rendered with. To render, a
scheduler must sample the latents of a pipeline that the farm has (which ones says `scheduler_checks`), and its noise
must come from the frames' own generators: the same recipe gives the same bits whatever was drawn or rendered before,
and whatever the neighbours in the batch. Tests compare the lists with the installed diffusers, and render with every
one again.
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
"""Those that sample diffusion models. CosineDPMSolverMultistepScheduler needs torchsde, LMSDiscreteScheduler scipy."""

FLOW = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler")
"""Those that sample flow-matching models, such as Stable Diffusion 3 and Flux."""

SOLVERS = (
    *("DEISMultistepScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"),
    "UniPCMultistepScheduler",
)
"""Those of diffusion models that sample flow-matching models too, with settings for it."""

SCHEDULERS = (*DIFFUSION, *FLOW)
"""Those that render."""

_OTHER_FLOW = "It samples flow-matching models, but none of those that the farm renders with."
_TOKENS = "It samples tokens, not latents."
_IGNORES_GENERATORS = (
    "Its step() ignores generators and draws from torch's global one, so that no frame could be rendered again; "
    "DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ is stochastic and exact."
)

REFUSED: Mapping[str, str] = {
    "AmusedScheduler": _TOKENS,
    "BlockRefinementScheduler": _TOKENS,
    "CogVideoXDPMScheduler": "Its step() wants the prediction before, which only CogVideoX's pipelines give.",
    "DDPMWuerstchenScheduler": "Only the pipelines of Wuerstchen and Stable Cascade can call it.",
    "DPMSolverSDEScheduler": _IGNORES_GENERATORS,
    "DiscreteDDIMScheduler": _TOKENS,
    "EntropyBoundScheduler": _TOKENS,
    "FlowMapEulerDiscreteScheduler": _OTHER_FLOW,
    "HeliosDMDScheduler": _OTHER_FLOW,
    "HeliosScheduler": _OTHER_FLOW,
    "KarrasVeScheduler": "Its step() wants a second sample, which only its own unconditional pipeline gives.",
    "LTXEulerAncestralRFScheduler": _OTHER_FLOW,
    "MiniMaxH3Scheduler": _OTHER_FLOW,
    "PiflowScheduler": _OTHER_FLOW,
    "RFD4ProteinaScheduler": "It samples proteins.",
    "RePaintScheduler": "It fills in a part of a given picture; here there is none.",
    "SCMScheduler": "Only Sana Sprint's pipeline leaves out its last timestep, at which step() fails.",
    "ScoreSdeVeScheduler": "It has no step(); only its own unconditional pipeline can call it.",
    "UnCLIPScheduler": "Only the pipelines of unCLIP and Kandinsky can call it.",
    "VQDiffusionScheduler": _TOKENS,
}
"""Why each of the others cannot render."""
