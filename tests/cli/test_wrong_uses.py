"""Mistakes are reported with their places, all of one kind together, before anything is rendered."""

import json

import pytest
from PIL import Image

from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.flux import save_flux
from tests.checkpoints.lora import save_style_lora
from tests.checkpoints.stable_diffusion import save_depth, save_stable_diffusion
from tests.checkpoints.stable_diffusion_xl import save_refiner, save_stable_diffusion_xl
from tests.rules.altering import altered

HEAD = "version: 1\nname: wrong\n"
MOVE = "animation: {kind: interpolate, prompts: [a red star, a blue heart], frames: 5}\n"
FLUX = f"{HEAD}model: {{pipeline: FluxPipeline, pretrained: ./models/flux}}\n{MOVE}"
FROM_IMAGE = f"{HEAD}model: {{pipeline: StableDiffusionImg2ImgPipeline, pretrained: ./models/sd}}\n{MOVE}"
BESIDE_IMAGE = (
    f"{HEAD}model: {{pipeline: StableDiffusionControlNetImg2ImgPipeline, pretrained: ./models/sd, "
    f"controlnets: [{{pretrained: ./models/net}}]}}\n{MOVE}"
)
DEPTH = f"{HEAD}model: {{pipeline: StableDiffusionDepth2ImgPipeline, pretrained: ./models/depth}}\n{MOVE}"
SD = f"{HEAD}model: {{pipeline: StableDiffusionPipeline, pretrained: ./models/sd}}\n{MOVE}"
XL = f"{HEAD}model:\n  pipeline: StableDiffusionXLPipeline\n  pretrained: ./models/xl\n"

WITH_NETS = (
    "StableDiffusionControlNetPipeline, StableDiffusionXLControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline, "
    "StableDiffusionControlNetInpaintPipeline, StableDiffusionXLControlNetImg2ImgPipeline"
)
WITH_ETA = (
    "StableDiffusionPipeline, LDMTextToImagePipeline, StableDiffusionXLPipeline, PixArtSigmaPipeline, SanaPipeline, "
    "StableDiffusionImg2ImgPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionInpaintPipeline, "
    f"StableDiffusionXLInpaintPipeline, StableDiffusionDepth2ImgPipeline, {WITH_NETS}"
)
ALL = (
    "StableDiffusionPipeline, LDMTextToImagePipeline, StableDiffusionXLPipeline, LatentConsistencyModelPipeline, "
    "StableDiffusion3Pipeline, FluxPipeline, PixArtSigmaPipeline, SanaPipeline, ZImagePipeline, QwenImagePipeline, "
    "StableDiffusionImg2ImgPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionInpaintPipeline, "
    f"StableDiffusionXLInpaintPipeline, StableDiffusionDepth2ImgPipeline, {WITH_NETS}, "
    "LatentConsistencyModelImg2ImgPipeline"
)
A_PICTURE = "a picture, a folder, a numbered sequence such as frames/*.png or frames/%04d.png, or a video"
A_PICTURE_FILE = (
    "needed: a picture of up to 8192x8192 pixels, a folder or pattern of them (frames/*.png, frames/%04d.png), or a "
    "video; relative to the manifest, or absolute."
)
FEW = (
    "render.image: pictures/%d.png has 3 pictures, the animation 5 frames; needed: at least one picture for each "
    "frame, or a single one for all."
)
SLIP = (
    r"the ( at character 3 is never closed; write \( for a literal one; needed: a prompt in compel's syntax, such as "
    "a (red)1.5 star; plain words need prompt_syntax: plain."
)
OTHER_LORA = (
    "model.loras[0].pretrained: does not fit the model: its cross_attention_dim is 16, not 32; needed: a LoRA trained "
    "for a model of this kind."
)

WRONG = {
    "a ControlNet's scale for a pipeline without one": (
        f"{SD}render: {{controlnet_conditioning_scale: 0.5}}\n",
        "5:10: render.controlnet_conditioning_scale: StableDiffusionPipeline takes no controlnet_conditioning_scale; "
        f"allowed: with {WITH_NETS}.",
    ),
    "a height that is not a multiple of what any VAE needs": (
        f"{SD}render: {{height: 20, width: 16}}\n",
        "5:10: render.height: found 20; allowed: a multiple of 8 from 8 to 8192.",
    ),
    "a height that is not a multiple of what the pipeline needs": (
        f"{FLUX}render: {{height: 24, width: 16}}\n",
        "5:10: render.height: found 24; allowed: a multiple of 16 with FluxPipeline.",
    ),
    "a height that is not a multiple of what the checkpoint's VAE needs": (
        f"{SD.replace('models/sd', 'models/deep')}render: {{height: 40, width: 16}}\n",
        "5:10: render.height: found 40; allowed: a multiple of 16 with ./models/deep. Nearest: 32 or 48.",
    ),
    "a refiner with another latent size": (
        f"{XL}  refiner: {{pretrained: ./models/other-refiner}}\n{MOVE}render: {{denoising_end: 0.8}}\n",
        "6:13: model.refiner.pretrained: does not fit the model: its UNet takes 4 channels, not 8 and its number of "
        "latent channels is 8, not 4; needed: a refiner of Stable Diffusion XL with the model's latents.",
    ),
    "a LoRA for another architecture": (
        f"{XL}  loras:\n    - {{pretrained: ./models/style}}\n{MOVE}",
        f"7:8: {OTHER_LORA}",
    ),
    "a sequence with fewer pictures than frames": (
        f"{FROM_IMAGE}render:\n  image: pictures/%d.png\n",
        f"6:3: {FEW}",
    ),
    "eta for Flux": (
        f"{FLUX}render: {{eta: 0.5}}\n",
        f"5:10: render.eta: FluxPipeline takes no eta; allowed: with {WITH_ETA}.",
    ),
    "no image to start from": (
        f"{FROM_IMAGE}render: {{strength: 0.5}}\n",
        "5:1: render.image: missing; needed: the picture that StableDiffusionImg2ImgPipeline starts from.",
    ),
    "a missing image": (
        f"{FROM_IMAGE}render: {{image: disk.png}}\n",
        f"5:10: render.image: there is no file {{folder}}/disk.png; {A_PICTURE_FILE} Did you mean 'disc.png'?",
    ),
    "an image's URL": (
        f'{FROM_IMAGE}render: {{image: "https://example.org/dog.png"}}\n',
        f"5:10: render.image: found 'https://example.org/dog.png'; allowed: {A_PICTURE}; not a URL.",
    ),
    "an unknown pipeline": (
        SD.replace("StableDiffusionPipeline", "StableDiffusionControlnetPipline"),
        "3:9: model.pipeline: found 'StableDiffusionControlnetPipline' (did you mean "
        f"'StableDiffusionControlNetPipeline'?); allowed: one of the diffusers pipelines that the farm supports: "
        f"{ALL}.",
    ),
    "more layers skipped than the text encoder has": (
        f"{SD}render: {{clip_skip: 4}}\n",
        "5:10: render.clip_skip: found 4, and the text_encoder of ./models/sd has 3 layers; allowed: 1 to 3, or null "
        "for none.",
    ),
    "edges between thresholds in the wrong order": (
        f"{FROM_IMAGE}render:\n  image: {{file: disc.png, canny: {{low_threshold: 200, high_threshold: 100}}}}\n",
        "6:35: render.image.canny.low_threshold: low_threshold 200 above high_threshold 100; needed: a low_threshold "
        "up to the high_threshold.",
    ),
    "a depth map without depth": (
        f"{DEPTH}render: {{image: disc.png, depth_map: disc.png}}\n",
        "5:27: render.depth_map: disc.png is uniformly grey, which diffusers cannot scale to depths; needed: a "
        "picture of the depth, brighter where nearer; or no depth_map, to have it estimated.",
    ),
    "a single file without its configuration": (
        SD.replace("./models/sd", "./models/sd.safetensors"),
        "3:1: model.config: missing; needed: a hub id with its commit, or a folder, to provide the architecture, "
        "tokenizers and scheduler, since the file contains weights only. The usual one for "
        "StableDiffusionPipeline is stable-diffusion-v1-5/stable-diffusion-v1-5.",
    ),
    "a setting that the scheduler does not have": (
        SD.replace("./models/sd", "./models/sd, scheduler: {class: IPNDMScheduler, config: {steps: 5}}"),
        "3:113: model.scheduler.config.steps: IPNDMScheduler takes no steps; allowed: num_train_timesteps, "
        "trained_betas.",
    ),
    "pictures of two sizes for one ControlNet pipeline": (
        f"{BESIDE_IMAGE}render: {{image: disc.png, control_image: wide.png}}\n",
        "5:27: render.control_image: wide.png is used at 32x16 pixels, and disc.png at 16x16; needed: pictures "
        "of one size, or render.height and render.width for all of them.",
    ),
    "a weight of compel that is never closed": (
        SD.replace("a blue heart", "'a (red:1.5 star'") + "render: {prompt_syntax: compel}\n",
        f"4:54: animation.prompts[1]: {SLIP}",
    ),
}

MANY_FIELDS = """\
version: 1
name: wrong
model:
  pipeline: StableDiffusionInpaintPipeline
  pretrained: ./models/sd
  controlnets: [{pretrained: ./models/net}]
animation: {kind: interpolate, prompts: [a red star, a blue heart], frames: 5}
render:
  image: http://example.org/dog.png
  strength: 0.01
  controlnet_conditioning_scale: 0.5
  height: 20
  true_cfg_scale: 3
"""

MANY_FILES = """\
version: 1
name: wrong
model:
  pipeline: StableDiffusionXLImg2ImgPipeline
  pretrained: ./models/xl
  loras:
    - {pretrained: ./models/style}
animation:
  kind: interpolate
  prompts: ["a (red:1.5 star", a blue heart]
  frames: 5
render:
  image: pictures/%d.png
  prompt_syntax: compel
"""


MASKED = """\
version: 1
name: wrong
model:
  pipeline: StableDiffusionXLInpaintPipeline
  pretrained: ./models/xl
  loras:
    - {pretrained: ./models/style}
animation: {kind: stills, prompts: [a red star]}
render:
  image: wide.png
  padding_mask_crop: 8
  mask_image: disc.png
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Checkpoints and pictures that manifests name."""
    folder = tmp_path_factory.mktemp("shelf")
    models = folder / "models"
    save_stable_diffusion(models / "sd")
    save_stable_diffusion_xl(models / "xl")
    save_flux(models / "flux")
    save_depth(models / "depth")
    save_controlnet(models / "net")
    save_style_lora(models / "style")
    refiner = save_refiner(folder / "refiner")
    altered(refiner, models / "other-refiner", "vae/config.json", latent_channels=8)
    altered(models / "sd", models / "deep", "vae/config.json", block_out_channels=[8, 8, 8, 8, 16])
    (folder / "pictures").mkdir()
    for number in range(3):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / "pictures" / f"{number}.png")
    return folder


@pytest.fixture
def refused(farm, shelf, tmp_path, monkeypatch):
    """Return the message of both `check` and `render` about a manifest; fail if either starts anything."""
    monkeypatch.setattr("farm.execute.open_executor", lambda **_: pytest.fail("an executor was opened"))
    for name in ("models", "pictures"):
        (tmp_path / name).symlink_to(shelf / name)
    Image.new("RGB", (16, 16)).save(tmp_path / "disc.png")
    Image.new("RGB", (32, 16)).save(tmp_path / "wide.png")

    def messages(manifest, *options):
        (tmp_path / "wrong.yaml").write_text(manifest)
        code, out, message = farm("render", "wrong.yaml", *options)
        assert (code, out) == (2, "")
        checked = message.replace("mistakes; nothing was started.", "mistakes.")
        assert farm("check", "wrong.yaml", *options) == (2, "", checked)
        assert not (tmp_path / "out").exists()
        return message.splitlines()

    return messages


@pytest.mark.parametrize("use", WRONG)
def test_a_mistake_is_reported_with_its_place(refused, tmp_path, use):
    manifest, message = WRONG[use]
    assert refused(manifest) == [f"wrong.yaml:{message.replace('{folder}', str(tmp_path))}"]


def test_all_mistakes_in_the_manifest_are_reported_together_in_their_order(refused):
    inpaint = "StableDiffusionInpaintPipeline"
    assert refused(MANY_FIELDS) == [
        f"wrong.yaml:6:3: model.controlnets: {inpaint} takes no controlnets; allowed: with {WITH_NETS}.",
        f"wrong.yaml:8:1: render.mask_image: missing; needed: a mask, white where {inpaint} repaints, or expand.",
        f"wrong.yaml:9:3: render.image: found 'http://example.org/dog.png'; allowed: {A_PICTURE}; not a URL.",
        "wrong.yaml:10:3: render.strength: 0.01 of 50 steps leaves none; allowed: at least 0.02 with 50 steps.",
        f"wrong.yaml:11:3: render.controlnet_conditioning_scale: {inpaint} takes no controlnet_conditioning_scale; "
        f"allowed: with {WITH_NETS}.",
        "wrong.yaml:12:3: render.height: found 20; allowed: a multiple of 8 from 8 to 8192.",
        f"wrong.yaml:13:3: render.true_cfg_scale: {inpaint} takes no true_cfg_scale; allowed: with FluxPipeline, "
        "QwenImagePipeline.",
        "7 mistakes; nothing was started.",
    ]


def test_all_mistakes_in_the_files_it_names_are_reported_together_in_their_order(refused):
    assert refused(MANY_FILES) == [
        f"wrong.yaml:7:8: {OTHER_LORA}",
        f"wrong.yaml:10:13: animation.prompts[0]: {SLIP}",
        f"wrong.yaml:13:3: {FEW}",
        "3 mistakes; nothing was started.",
    ]


def test_mistakes_in_pictures_are_reported_together_with_a_missing_or_unsuitable_checkpoint(refused):
    black = "wrong.yaml:12:3: render.mask_image: disc.png has no white, so nothing would be painted; needed: "
    black += "white where the picture is to be painted."
    sizes = "wrong.yaml:12:3: render.mask_image: disc.png is 16x16 pixels, and wide.png 32x16; needed: a mask of the "
    sizes += "image's size where padding_mask_crop is given."
    assert refused(MASKED.replace("models/xl", "models/none")) == [
        "wrong.yaml:5:3: model.pretrained: there is no checkpoint './models/none'; needed: a hub id with its "
        "commit, a folder or .safetensors file relative to the manifest, or a shipped checkpoint (tiny-world).",
        black,
        "2 mistakes; nothing was started.",
    ]
    assert refused(MASKED) == [
        f"wrong.yaml:7:8: {OTHER_LORA}",
        sizes,
        black,
        "3 mistakes; nothing was started.",
    ]


def test_mistakes_on_the_command_line_are_reported_after_those_in_the_file(refused, tmp_path):
    change = "render.image={file: disk.png}"
    assert refused(MANY_FILES, "--set", change) == [
        f"wrong.yaml:7:8: {OTHER_LORA}",
        f"wrong.yaml:10:13: animation.prompts[0]: {SLIP}",
        f"--set {change}: render.image.file: there is no file {tmp_path}/disk.png; {A_PICTURE_FILE} "
        "Did you mean 'disc.png'?",
        "3 mistakes; nothing was started.",
    ]


LONG = SD.replace("a blue heart", " ".join(["star"] * 75) + " at night")
UNREAD = (
    "long.yaml:4:54: animation.prompts[1]: 77 tokens, of which CLIP reads 75; unread: 'at night'. With "
    "render.prompt_syntax: compel, all tokens are read."
)
SMALL = "render: {height: 16, width: 16, num_inference_steps: 1}\noutput: {gif: false, mp4: false}\n"


def test_settings_without_their_expected_effect_cause_a_warning_with_its_place(farm, shelf, tmp_path):
    (tmp_path / "models").symlink_to(shelf / "models")
    (tmp_path / "long.yaml").write_text(LONG + SMALL)
    assert farm("check", "long.yaml") == (0, "long.yaml: ok: wrong, interpolate, 5 frames\n", f"{UNREAD}\n")
    code, out, message = farm("check", "long.yaml", "--json")
    assert (code, message, json.loads(out)[0]["remarks"]) == (0, f"{UNREAD}\n", [UNREAD])
    for verb, options in (("plan", ()), ("render", ("--inline",))):
        code, _, message = farm(verb, "long.yaml", *options)
        assert (code, message.count(UNREAD)) == (0, 1)
    assert farm("plan", "long.yaml", "--procedural")[2] == ""
