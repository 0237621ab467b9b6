"""Every way of making pictures and every addition to a model, as a manifest and as code for diffusers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
from compel import CompelForSD
from PIL import Image

from farm.records import Pixels
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.checkpoints.lora import WEIGHTS, save_lcm_lora, save_style_lora
from tests.checkpoints.stable_diffusion_xl import save_refiner
from tests.checkpoints.textual_inversion import TOKEN, save_textual_inversion
from tests.checkpoints.ways import WAYS, Way
from tests.integration.hub import Hub
from tests.render.ways import PROMPTS, STEPS, draw_picture, plain_call

SEED = 40
FRAMES = 5

Call = Callable[..., Any]


def _nothing(hub: Hub) -> dict[str, Any]:
    return {}


def _as_it_is(pipeline: Any, hub: Hub, seen: Path) -> Call:
    return pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An interpolation between two prompts; the manifest's model section includes `additions`, its render `render`.

    `prepared` returns the equivalent for diffusers: the pipeline with the same additions and image prompts. If pictures
    `move`, there is one for each frame.
    """

    way: Way
    prompts: tuple[str, str] = (PROMPTS[0], PROMPTS[1])
    move: bool = False
    additions: Callable[[Hub], Mapping[str, Any]] = _nothing
    render: Mapping[str, Any] = field(default_factory=dict)
    prepared: Callable[[Any, Hub, Path], Call] = _as_it_is

    def manifest(self, name: str, hub: Hub) -> dict[str, Any]:
        """Return the manifest; its pictures are in `pictures` next to it."""
        way = self.way
        nets = [hub.source(net) for net in way.nets]
        number = "%d" if self.move else "0"
        negative = {} if way.negative_prompt is None else {"negative_prompt": way.negative_prompt}
        return {
            "version": 1,
            "name": slug(name),
            "seed": SEED,
            "model": {
                "pipeline": way.pipeline,
                **hub.source(way.save),
                **({"controlnets": nets} if nets else {}),
                **self.additions(hub),
            },
            "animation": {"kind": "interpolate", "prompts": list(self.prompts), "frames": FRAMES},
            "render": {
                "num_inference_steps": STEPS,
                "batch_size": 2,
                **way.call,
                **negative,
                **{picture: f"pictures/{picture}{number}.png" for picture in way.pictures},
                **self.render,
            },
        }

    def plain(self, hub: Hub, pictures: Path, prompts: Sequence[str], frames: Sequence[int]) -> list[Pixels]:
        """Call diffusers for frames of these prompts, all with the image prompt of the first one."""
        nets = [hub.load(diffusers.ControlNetModel, net) for net in self.way.nets]
        parts = {"controlnet": nets[0]} if nets else {}
        pipeline = hub.load(getattr(diffusers, self.way.pipeline), self.way.save, **parts)
        pipeline.set_progress_bar_config(disable=True)
        opened = {
            name: [
                Image.open(pictures / f"{name}{frame if self.move else 0}.png").convert("RGB")
                for frame in frames
            ]
            for name in self.way.pictures
        }
        call = self.prepared(pipeline, hub, pictures / f"seen{frames[0] if self.move else 0}.png")
        return plain_call(self.way, call, prompts, [SEED] * len(prompts), opened)


def slug(name: str) -> str:
    """Return the name of a case's job."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def draw_pictures(folder: Path) -> None:
    """Draw a picture of every argument for every frame."""
    folder.mkdir()
    for name in ("image", "mask_image", "control_image", "seen"):
        for number in range(FRAMES):
            draw_picture(folder, name, number)


# --- additions to a model ----------------------------------------------------------------------------------

_SD = WAYS["text to image, StableDiffusionPipeline"]
_SDXL = WAYS["text to image, StableDiffusionXLPipeline"]


def _adapter(hub: Hub, folder: str, name: str) -> dict[str, Any]:
    return {"ip_adapters": [hub.source(save_ip_adapter, subfolder=folder, weight_name=name, scale=0.6)]}


def _seeing(folder: str, name: str) -> Callable[[Any, Hub, Path], Call]:
    def prepared(pipeline: Any, hub: Hub, seen: Path) -> Call:
        hub_id, place = hub.place(save_ip_adapter)
        pipeline.load_ip_adapter(hub_id, subfolder=folder, weight_name=name, **place)
        pipeline.set_ip_adapter_scale(0.6)
        return partial(pipeline, ip_adapter_image=Image.open(seen).convert("RGB"))

    return prepared


def _refined(pipeline: Any, hub: Hub, seen: Path) -> Call:
    refiner = hub.load(diffusers.StableDiffusionXLImg2ImgPipeline, save_refiner)
    refiner.set_progress_bar_config(disable=True)

    def call(*, height: int, width: int, **shared: Any) -> Any:
        size = {"height": height, "width": width}
        latents = pipeline(**shared, **size, denoising_end=0.5, output_type="latent").images
        return refiner(**shared, image=latents, denoising_start=0.5)

    return call


def _styled(pipeline: Any, hub: Hub, seen: Path) -> Call:
    for name, save in (("style", save_style_lora), ("lcm", save_lcm_lora)):
        hub_id, place = hub.place(save)
        pipeline.load_lora_weights(hub_id, weight_name=WEIGHTS, adapter_name=name, **place)
    pipeline.set_adapters(["style", "lcm"], adapter_weights=[0.5, 1.0])
    pipeline.scheduler = diffusers.LCMScheduler.from_config(pipeline.scheduler.config)
    return pipeline


def _taught(pipeline: Any, hub: Hub, seen: Path) -> Call:
    hub_id, place = hub.place(save_textual_inversion)
    pipeline.load_textual_inversion(hub_id, **place)
    return pipeline


def _weighing(pipeline: Any, hub: Hub, seen: Path) -> Call:
    def call(*, prompt: list[str], negative_prompt: list[str], **others: Any) -> Any:
        made = CompelForSD(pipeline)(prompt, negative_prompt=negative_prompt)
        embeds = {"prompt_embeds": made.embeds, "negative_prompt_embeds": made.negative_embeds}
        return pipeline(**embeds, **others)

    return call


ADDITIONS: Mapping[str, Case] = {
    "a picture per frame": Case(way=WAYS["image to image"], move=True),
    "IP-Adapter": Case(
        way=_SD,
        additions=partial(_adapter, folder="models", name="ip-adapter_sd15.safetensors"),
        render={"ip_adapter_image": "pictures/seen0.png"},
        prepared=_seeing("models", "ip-adapter_sd15.safetensors"),
    ),
    "IP-Adapter plus, SDXL, between two pictures": Case(
        way=_SDXL,
        move=True,
        additions=partial(_adapter, folder="sdxl_models", name="ip-adapter-plus_sdxl.safetensors"),
        render={"ip_adapter_image": {0: "pictures/seen0.png", 4: "pictures/seen4.png"}},
        prepared=_seeing("sdxl_models", "ip-adapter-plus_sdxl.safetensors"),
    ),
    "SDXL with its refiner": Case(
        way=_SDXL,
        additions=lambda hub: {"refiner": hub.source(save_refiner)},
        render={"denoising_end": 0.5},
        prepared=_refined,
    ),
    "a style's LoRA with an LCM-LoRA": Case(
        way=replace(_SD, call={**_SD.call, "guidance_scale": 1.5}),
        additions=lambda hub: {
            "scheduler": {"class": "LCMScheduler"},
            "loras": [hub.source(save_style_lora, scale=0.5), hub.source(save_lcm_lora)],
        },
        prepared=_styled,
    ),
    "textual inversion": Case(
        way=_SD,
        prompts=(f"a {TOKEN} star", f"a blue {TOKEN} on a green hill"),
        additions=lambda hub: {"textual_inversions": [hub.source(save_textual_inversion)]},
        prepared=_taught,
    ),
    "weighted words": Case(
        way=replace(_SD, negative_prompt="(dull)++"),
        # Of two lengths: the first chunk has frames of both, so that all of them are padded to the longest.
        prompts=("a (red star)1.5", f"a (blue heart)-- on a {'green, green ' * 40} hill"),
        render={"prompt_syntax": "compel"},
        prepared=_weighing,
    ),
}

CASES: Mapping[str, Case] = {name: Case(way=way) for name, way in WAYS.items()} | ADDITIONS
