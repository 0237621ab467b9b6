"""The stages of making the shipped checkpoints; each finds what the ones before it left in the work folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import torch

from farm.demo.clip import new_clip
from farm.demo.clip_training import train_clip, train_text
from farm.demo.controlnet import new_controlnet, train_controlnet
from farm.demo.controlnet_measuring import measure_controlnet
from farm.demo.export import Checkpoints, export, export_controlnet, export_lora
from farm.demo.inpainting_measuring import measure_inpainting
from farm.demo.lcm import add_adapter, train_lcm
from farm.demo.lcm_measuring import measure_lcm
from farm.demo.loop import load_weights
from farm.demo.measuring import measure
from farm.demo.progress import embeddings, latents, trained_clip, trained_text, trained_unet, trained_vae
from farm.demo.recipe import Recipe
from farm.demo.replicas import replicate
from farm.demo.resnet import new_resnet, train_resnet
from farm.demo.tokenizer import new_tokenizer
from farm.demo.unet import Lessons, new_unet, train_unet
from farm.demo.vae import new_vae, train_vae


def run(stages: Sequence[str], recipe: Recipe) -> None:
    """Run the named stages in the order given; one that was finished before does nothing again.

    Raises:
        KeyError: there is no such stage.
        FileNotFoundError: a stage needs one that has not run.
    """
    recipe.work_dir.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        print(f"stage {stage}", file=sys.stderr, flush=True)
        torch.manual_seed(recipe.seed)
        STAGES[stage](recipe)


def _vae(recipe: Recipe) -> None:
    train_vae(new_vae(recipe.size), recipe.training_pictures(), recipe.course("vae"), recipe.device)


def _vae_sharp(recipe: Recipe) -> None:
    """A second round that starts from the first and weighs edges."""
    vae = new_vae(recipe.size)
    load_weights(vae, recipe.course("vae").checkpoint)
    train_vae(vae, recipe.training_pictures(), recipe.course("vae-sharp"), recipe.device, edges=1.0)


def _text(recipe: Recipe) -> None:
    tokenizer = new_tokenizer()
    train_text(new_clip(recipe.size, tokenizer), tokenizer, recipe.course("text"), recipe.device)


def _clip(recipe: Recipe) -> None:
    tokenizer, clip = new_tokenizer(), trained_text(recipe)
    train_clip(clip, tokenizer, recipe.training_pictures(), recipe.course("clip"), recipe.device)


def _clip_mean(recipe: Recipe) -> None:
    """A second round that starts from the first, and leaves the running mean of its weights."""
    tokenizer, clip = new_tokenizer(), new_clip(recipe.size, new_tokenizer())
    load_weights(clip, recipe.course("clip").checkpoint)
    train_clip(clip, tokenizer, recipe.training_pictures(), recipe.course("clip-mean"), recipe.device)


def _resnet(recipe: Recipe) -> None:
    train_resnet(new_resnet(), recipe.training_pictures(), recipe.course("resnet"), recipe.device)


def _unet(recipe: Recipe) -> None:
    latents(recipe)
    embeddings(recipe)
    replicate(_unet_replica, recipe.replicas, recipe)


def _unet_replica(recipe: Recipe) -> None:
    lessons = _lessons(recipe)
    torch.manual_seed(recipe.seed)
    train_unet(new_unet(recipe.size), lessons, recipe.course("unet"), recipe.device)


def _controlnet(recipe: Recipe) -> None:
    lessons, unet = _lessons(recipe), trained_unet(recipe)
    torch.manual_seed(recipe.seed)  # again: lessons that had to be made first have drawn from it
    train_controlnet(
        new_controlnet(unet),
        unet,
        lessons,
        recipe.training_pictures(),
        recipe.course("controlnet"),
        recipe.device,
    )


def _lcm(recipe: Recipe) -> None:
    lessons = _lessons(recipe)
    torch.manual_seed(recipe.seed)
    train_lcm(trained_unet(recipe), lessons, recipe.course("lcm"), recipe.device)


def _lessons(recipe: Recipe) -> Lessons:
    encoded = latents(recipe)
    return Lessons(
        latents=encoded / encoded.std(),
        scenes=recipe.training_pictures().scenes,
        embeddings=embeddings(recipe),
    )


def _export(recipe: Recipe) -> None:
    """Whatever has been trained so far goes out. What has not begun goes out untrained, but loads; add-ons do not."""
    vae, unet, resnet = trained_vae(recipe), new_unet(recipe.size), new_resnet()
    begun = {name: recipe.course(name).checkpoint.exists() for name in ("clip-mean", "unet", "resnet")}
    if begun["unet"]:
        load_weights(unet, recipe.course("unet").checkpoint)
    if begun["resnet"]:
        load_weights(resnet, recipe.course("resnet").checkpoint)
    clip = trained_clip(recipe) if begun["clip-mean"] else trained_text(recipe)
    scaling = float(latents(recipe).std().reciprocal())
    vae.register_to_config(scaling_factor=round(scaling, 5))
    export(
        Checkpoints(vae=vae, clip=clip, resnet=resnet, unet=unet, tokenizer=new_tokenizer()),
        recipe.output,
        recipe.size,
    )
    if recipe.course("controlnet").checkpoint.exists():
        controlnet = new_controlnet(unet)
        load_weights(controlnet, recipe.course("controlnet").checkpoint)
        export_controlnet(controlnet, recipe.output)
    if recipe.course("lcm").checkpoint.exists():
        load_weights(add_adapter(unet), recipe.course("lcm").checkpoint)
        export_lora(unet, recipe.output)


def _evaluate(recipe: Recipe) -> None:
    measure(recipe)


def _evaluate_controlnet(recipe: Recipe) -> None:
    measure_controlnet(recipe)


def _evaluate_lcm(recipe: Recipe) -> None:
    measure_lcm(recipe)


def _evaluate_inpainting(recipe: Recipe) -> None:
    measure_inpainting(recipe)


STAGES: dict[str, Callable[[Recipe], None]] = {
    "vae": _vae,
    "vae-sharp": _vae_sharp,
    "text": _text,
    "clip": _clip,
    "clip-mean": _clip_mean,
    "resnet": _resnet,
    "unet": _unet,
    "controlnet": _controlnet,
    "lcm": _lcm,
    "export": _export,
    "evaluate": _evaluate,
    "evaluate-controlnet": _evaluate_controlnet,
    "evaluate-lcm": _evaluate_lcm,
    "evaluate-inpainting": _evaluate_inpainting,
}
"""In the order in which they make everything from nothing."""
