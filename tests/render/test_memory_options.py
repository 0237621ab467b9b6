"""Every option gives the same picture as diffusers with it, bit for bit, or is refused where it is unsupported."""

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from farm.errors import ModelError
from farm.records import MemorySpec
from farm.render import determinism
from farm.render.loading.memory import attention_kernel, move_to_device
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.support import FEATURES

NAMES = {"SD": "sd", "SDXL": "xl"}

pytestmark = pytest.mark.usefixtures("one_thread")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def draw(pipeline, memory=None, side=32):
    """Draw two pictures in one call, larger than the tiny autoencoder's own size."""
    with attention_kernel(memory or MemorySpec()):
        return pipeline(
            ["a red star", "a blue circle"],
            num_inference_steps=2,
            height=side,
            width=side,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in (1, 2)],
            output_type="np",
        ).images


def refusal_of(pipeline, device=CPU, **options):
    with pytest.raises(ModelError) as refused:
        move_to_device(pipeline, MemorySpec(**options), device)
    return str(refused.value)


@pytest.mark.parametrize(
    "name", [NAMES[kind] for kind in FEATURES["VAE slicing and tiling, attention of choice"]]
)
@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        ({}, lambda pipeline: None),
        ({"vae_slicing": True}, lambda pipeline: pipeline.vae.enable_slicing()),
        ({"vae_tiling": True}, lambda pipeline: pipeline.vae.enable_tiling()),
        ({"attention": "sliced"}, lambda pipeline: pipeline.enable_attention_slicing("max")),
    ],
)
def test_an_option_renders_the_same_as_diffusers_with_it(load, name, options, by_hand):
    ours, theirs = load(name), load(name)
    move_to_device(ours, MemorySpec(**options), CPU)
    by_hand(theirs)
    assert np.array_equal(draw(ours), draw(theirs))


def test_the_options_are_in_effect(load):
    pipeline = load("sd")
    move_to_device(pipeline, MemorySpec(vae_slicing=True, vae_tiling=True, attention="sliced"), CPU)
    assert pipeline.vae.use_slicing
    assert pipeline.vae.use_tiling
    ways = {type(way).__name__ for way in pipeline.unet.attn_processors.values()}
    assert ways == {"SlicedAttnProcessor"}
    plain, tiled = load("sd"), load("sd")
    move_to_device(tiled, MemorySpec(vae_tiling=True), CPU)
    assert not np.array_equal(draw(plain), draw(tiled))


@pytest.mark.parametrize("name", ["sd", "xl", "pixart"])
@pytest.mark.parametrize(
    ("named", "kernel"), [("math", SDPBackend.MATH), ("flash", SDPBackend.FLASH_ATTENTION)]
)
def test_a_kernel_renders_the_same_as_torch_with_it(load, name, named, kernel):
    pipeline, memory = load(name), MemorySpec(attention=named)
    call = {"use_resolution_binning": False} if name == "pixart" else {}
    move_to_device(pipeline, memory, CPU)
    ours = _draw_with(attention_kernel(memory), pipeline, call)
    assert np.array_equal(ours, _draw_with(sdpa_kernel(kernel), pipeline, call))


def _draw_with(context, pipeline, call):
    with context:
        generator = torch.Generator("cpu").manual_seed(1)
        return pipeline(
            "a red star",
            num_inference_steps=2,
            height=64,
            width=64,
            generator=generator,
            output_type="np",
            **call,
        ).images


def in_force():
    cuda = torch.backends.cuda
    return {
        name: is_on
        for name, is_on in (
            ("flash", cuda.flash_sdp_enabled()),
            ("cudnn", cuda.cudnn_sdp_enabled()),
            ("efficient", cuda.mem_efficient_sdp_enabled()),
            ("math", cuda.math_sdp_enabled()),
        )
        if is_on
    }.keys()


@pytest.mark.parametrize(
    ("named", "kernels"),
    [
        ("default", {"efficient", "math"}),
        ("sliced", {"efficient", "math"}),
        ("xformers", {"efficient", "math"}),
        ("math", {"math"}),
        ("efficient", {"efficient", "math"}),
        ("flash", {"flash", "efficient", "math"}),
        ("cudnn", {"cudnn", "efficient", "math"}),
    ],
)
def test_a_named_kernel_overrides_the_choice_of_strict_temporarily(named, kernels):
    try:
        determinism.apply("strict", CUDA)
        with attention_kernel(MemorySpec(attention=named)):
            assert in_force() == kernels
        assert in_force() == {"efficient", "math"}
    finally:
        determinism.apply("fast", CUDA)
        torch.backends.cudnn.benchmark = False


@pytest.mark.parametrize("offload", ["model", "group", "sequential"])
def test_offload_requires_a_gpu(load, offload):
    assert refusal_of(load("sd"), offload=offload) == (
        f"model.memory.offload: {offload} moves weights from the CPU's memory to a GPU, and this machine has none; "
        "allowed here: none."
    )


@pytest.mark.parametrize("named", ["efficient", "cudnn", "xformers"])
def test_gpu_attention_requires_a_gpu(load, named):
    assert refusal_of(load("sd"), attention=named) == (
        f"model.memory.attention: {named} needs a GPU, and this machine has none; "
        "allowed here: default, math, flash, sliced."
    )


def test_xformers_without_its_package_is_refused_with_the_command_to_install_it(load):
    assert refusal_of(load("sd"), CUDA, attention="xformers") == (
        "model.memory.attention: xformers needs its package, which is not installed here: pip install xformers"
    )


@pytest.mark.parametrize("named", ["flash", "cudnn"])
def test_half_precision_kernels_refuse_single_precision_on_a_gpu(load, named):
    assert refusal_of(load("sd"), CUDA, attention=named) == (
        f"model.memory.attention: {named} supports half precision only, and model.torch_dtype is float32; allowed: "
        "float16 or bfloat16, or another attention."
    )


def test_an_option_that_a_pipeline_does_not_support_is_refused(load):
    assert refusal_of(load("pixart"), attention="sliced") == (
        "model.memory.attention: PixArtSigmaPipeline does not support sliced attention; "
        "allowed: default, math, flash, efficient, cudnn."
    )
    for way in ("slicing", "tiling"):
        assert refusal_of(load("ldm"), **{f"vae_{way}": True}) == (
            f"model.memory.vae_{way}: the autoencoder of LDMTextToImagePipeline does not support it; allowed: false."
        )


def test_sliced_attention_with_image_prompts_is_refused(load, folders):
    pipeline = load("sd")
    pipeline.load_ip_adapter(
        str(folders(save_ip_adapter)),
        subfolder="models",
        weight_name="ip-adapter_sd15.safetensors",
        image_encoder_folder=None,
    )
    assert refusal_of(pipeline, attention="sliced") == (
        "model.memory.attention: sliced attention ignores the image prompts of model.ip_adapters; "
        "allowed with them: default, math, flash, efficient, cudnn, xformers."
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["sd", "xl", "pixart"])
@pytest.mark.parametrize("offload", ["model", "group", "sequential"])
def test_offload_renders_the_same_as_the_gpu_and_needs_less_of_its_memory(load, name, offload):
    def taken(options):
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        pipeline = load(name)
        move_to_device(pipeline, MemorySpec(**options), CUDA)
        held = torch.cuda.memory_allocated() - before
        call = {"use_resolution_binning": False} if name == "pixart" else {}
        return held, _draw_with(attention_kernel(MemorySpec()), pipeline, call)

    full, plain = taken({})
    held, picture = taken({"offload": offload})
    assert held < full / 2
    assert np.array_equal(picture, plain)


@pytest.mark.gpu
@pytest.mark.parametrize("named", ["math", "efficient", "flash"])
def test_on_a_gpu_a_kernel_renders_the_same_bits_each_time(load, named):
    memory = MemorySpec(attention=named)
    pipeline = load("sd", torch.float16)
    move_to_device(pipeline, memory, CUDA)
    assert np.array_equal(draw(pipeline, memory), draw(pipeline, memory))
