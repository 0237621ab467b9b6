"""Weights must exist in the requested variant."""

import shutil

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"


def renamed(folder, copy, variant):
    """Copy a checkpoint, renaming its weights to a variant."""
    shutil.copytree(folder, copy)
    for file in list(copy.rglob("*.safetensors")):
        file.rename(file.with_name(f"{file.stem}.{variant}.safetensors"))
    return str(copy)


def test_a_missing_variant_is_reported_with_the_existing_ones(saved, mismatches, tmp_path):
    copy = renamed(saved("sd"), tmp_path / "half", "fp16")
    assert mismatches(SD, copy, variant="fp16") == []
    assert mismatches(SD, copy, variant="fp15") == [
        "model.variant: there are no files of the variant fp15 in half (did you mean 'fp16'?); allowed: fp16, null."
    ]
    assert mismatches(SD, "@sd", variant="fp16") == [
        "model.variant: there are no files of the variant fp16 in @sd; allowed: null."
    ]


def test_the_variant_of_shards_is_in_their_names(saved, mismatches, tmp_path):
    copy = tmp_path / "shards"
    shutil.copytree(saved("sd"), copy)
    for part, name in (
        ("unet", "diffusion_pytorch_model-00001-of-00001.fp16"),
        ("vae", "a.ema-00001-of-00002"),
    ):
        weights = copy / part / "diffusion_pytorch_model.safetensors"
        weights.rename(weights.with_name(f"{name}.safetensors"))
    assert mismatches(SD, str(copy), variant="fp16") == mismatches(SD, str(copy), variant="ema") == []


def test_the_variant_of_a_controlnet_and_of_a_refiner_is_its_own(mismatches):
    nets = [{"pretrained": "@net", "variant": "fp16"}]
    assert mismatches("StableDiffusionControlNetPipeline", "@sd", {"image": "c.png"}, controlnets=nets) == [
        "model.controlnets[0].variant: there are no files of the variant fp16 in @net; allowed: null."
    ]
    refiner = {"pretrained": "@refiner", "variant": "fp16"}
    assert mismatches(XL, "@xl", {"denoising_end": 0.8}, refiner=refiner) == [
        "model.refiner.variant: there are no files of the variant fp16 in @refiner; allowed: null."
    ]
