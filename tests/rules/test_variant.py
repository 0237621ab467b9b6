"""Weights are there in the variant that is asked for."""

import shutil

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"


def renamed(folder, copy, variant):
    """Copy a checkpoint, its weights being of a variant."""
    shutil.copytree(folder, copy)
    for file in list(copy.rglob("*.safetensors")):
        file.rename(file.with_name(f"{file.stem}.{variant}.safetensors"))
    return str(copy)


def test_a_variant_that_no_file_is_of_is_told_with_those_there_are(shelf, told, tmp_path):
    copy = renamed(shelf("sd"), tmp_path / "half", "fp16")
    assert told(SD, copy, variant="fp16") == []
    assert told(SD, copy, variant="fp15") == [
        "model.variant: there are no files of the variant fp15 in half (did you mean 'fp16'?); allowed: fp16, null."
    ]
    assert told(SD, "@sd", variant="fp16") == [
        "model.variant: there are no files of the variant fp16 in @sd; allowed: null."
    ]


def test_the_variant_of_shards_is_in_their_names(shelf, told, tmp_path):
    copy = tmp_path / "shards"
    shutil.copytree(shelf("sd"), copy)
    for part, name in (
        ("unet", "diffusion_pytorch_model-00001-of-00001.fp16"),
        ("vae", "a.ema-00001-of-00002"),
    ):
        weights = copy / part / "diffusion_pytorch_model.safetensors"
        weights.rename(weights.with_name(f"{name}.safetensors"))
    assert told(SD, str(copy), variant="fp16") == told(SD, str(copy), variant="ema") == []


def test_the_variant_of_a_controlnet_and_of_a_refiner_is_its_own(told):
    nets = [{"pretrained": "@net", "variant": "fp16"}]
    assert told("StableDiffusionControlNetPipeline", "@sd", {"image": "c.png"}, controlnets=nets) == [
        "model.controlnets[0].variant: there are no files of the variant fp16 in @net; allowed: null."
    ]
    refiner = {"pretrained": "@refiner", "variant": "fp16"}
    assert told(XL, "@xl", {"denoising_end": 0.8}, refiner=refiner) == [
        "model.refiner.variant: there are no files of the variant fp16 in @refiner; allowed: null."
    ]
