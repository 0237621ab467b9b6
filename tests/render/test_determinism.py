import os
import subprocess
import sys

import pytest
import torch

from farm.errors import RenderError
from farm.render import determinism, open_renderer
from tests.render.frames import chunk_of, frame_of, noise_of, spec_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda")

STRICT = {
    "cudnn.benchmark": False,
    "cudnn.deterministic": True,
    "deterministic_algorithms": True,
    "fill_uninitialized_memory": False,
    "flash_attention": False,
    "cudnn_attention": False,
    "memory_efficient_attention": True,
    "math_attention": True,
    "float16_reduced_and_split_k": (False, False),
    "bfloat16_reduced_and_split_k": (False, False),
    "convolutions": "tf32",
    "matrix_products": "ieee",
}


def current_settings():
    """Return torch's current settings."""
    cudnn, cuda, matmul = torch.backends.cudnn, torch.backends.cuda, torch.backends.cuda.matmul
    return {
        "cudnn.benchmark": cudnn.benchmark,
        "cudnn.deterministic": cudnn.deterministic,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "fill_uninitialized_memory": torch.utils.deterministic.fill_uninitialized_memory,
        "flash_attention": cuda.flash_sdp_enabled(),
        "cudnn_attention": cuda.cudnn_sdp_enabled(),
        "memory_efficient_attention": cuda.mem_efficient_sdp_enabled(),
        "math_attention": cuda.math_sdp_enabled(),
        "float16_reduced_and_split_k": (
            matmul.allow_fp16_reduced_precision_reduction,
            matmul.allow_fp16_reduced_precision_reduction_split_k,
        ),
        "bfloat16_reduced_and_split_k": (
            matmul.allow_bf16_reduced_precision_reduction,
            matmul.allow_bf16_reduced_precision_reduction_split_k,
        ),
        "convolutions": cudnn.conv.fp32_precision,
        "matrix_products": matmul.fp32_precision,
    }


@pytest.fixture(autouse=True)
def torchs_own_settings():
    """Restore torch's settings after every test; they can be set without a GPU."""
    before, threads = current_settings(), torch.get_num_threads()
    yield before
    for name, value in before.items():
        determinism._SETTERS[name](value)
    torch.set_num_threads(threads)
    assert current_settings() == before


def test_strict_sets_everything_that_may_change_bits_and_fast_resets_it():
    determinism.apply("strict", CUDA)
    assert current_settings() == STRICT
    determinism.apply("fast", CUDA)
    fast = current_settings()
    assert {name for name in STRICT if fast[name] == STRICT[name]} == {
        *("memory_efficient_attention", "math_attention", "convolutions", "matrix_products")
    }
    determinism.apply("strict", CUDA)
    assert current_settings() == STRICT


def test_fast_keeps_torchs_defaults_except_for_timing_kernels():
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.render.test_determinism import current_settings\n"
        "print(current_settings())"
    )
    fresh = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    determinism.apply("fast", CUDA)
    fast = current_settings()
    # `none` leaves products to the setting for all operations, which is ieee.
    expected = str({**fast, "cudnn.benchmark": False, "matrix_products": "none"})
    assert fresh.strip() == expected


@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_the_described_settings_are_in_effect(mode):
    determinism.apply(mode, CUDA)
    described = determinism.describe(mode, CUDA)
    assert described["determinism"] == {
        "mode": mode,
        **current_settings(),
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
    }
    assert {"cuda", "cudnn", "driver"} < set(described)


@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_both_modes_limit_a_cpu_to_one_thread_and_change_nothing_else(mode, torchs_own_settings):
    torch.set_num_threads(2)
    determinism.apply(mode, CPU)
    assert torch.get_num_threads() == 1
    assert current_settings() == torchs_own_settings
    assert determinism.describe(mode, CPU) == {"threads": 1}


def test_settings_are_applied_before_every_chunk(tiny_sd):
    renderer = open_renderer(spec_of(tiny_sd))
    torch.set_num_threads(2)
    renderer.render(chunk_of(frame_of()))
    assert torch.get_num_threads() == 1


def test_a_nondeterministic_operation_is_reported_with_the_field_to_change(tiny_sd, monkeypatch):
    renderer = open_renderer(spec_of(tiny_sd))

    def refused(*arguments, **named):
        torch.zeros(4).put_(torch.tensor([1]), torch.tensor([1.0]))

    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", refused)
    torch.use_deterministic_algorithms(True)
    with pytest.raises(RenderError) as caught:
        renderer.render(chunk_of(frame_of()))
    assert str(caught.value) == (
        "StableDiffusionPipeline: put_ does not have a deterministic implementation. It runs with "
        "render.determinism: fast, where its last bits may differ each time; a newer torch may support it in strict as "
        "well."
    )


def test_cublas_without_workspaces_is_reported_with_the_field_to_change():
    # The text of torch 2.13, raised only on a GPU.
    error = RuntimeError(
        "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or "
        "`at::Context::setDeterministicAlgorithms(true)`, but this operation is not deterministic because it uses "
        "CuBLAS and you have CUDA >= 10.2. To enable deterministic behavior in this case, you must set an environment "
        "variable before running your PyTorch application."
    )
    assert determinism.nondeterministic_operation(error).endswith(
        "because it uses CuBLAS and you have CUDA >= 10.2"
    )
    assert determinism.nondeterministic_operation(RuntimeError("something else")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version:\n",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.104.05  Release Build  (dvs-builder)\n",
    ],
)
def test_the_drivers_version_is_read_from_the_kernel(tmp_path, text):
    (tmp_path / "version").write_text(text)
    assert determinism._driver(tmp_path / "version") == "535.104.05"
    assert determinism._driver(tmp_path / "absent") == ""


@pytest.mark.gpu
def test_on_a_gpu_strict_gives_every_slot_neighbourhood_and_call_the_same_bits(tiny_sd):
    renderer, other = (
        open_renderer(spec_of(tiny_sd, determinism=mode, torch_dtype="float16"))
        for mode in ("strict", "fast")
    )

    def pictures(*seeds):
        frames = [frame_of(slot, noise=noise_of(seed)) for slot, seed in enumerate(seeds)]
        return [picture.tobytes() for picture in renderer.render(chunk_of(*frames))]

    first = pictures(1, 2, 3, 4)
    other.render(chunk_of(frame_of()))
    assert pictures(1, 2, 3, 4) == first
    assert pictures(9, 2, 8, 7)[1] == first[1]


@pytest.mark.gpu
def test_on_a_gpu_the_environment_describes_what_computed(tiny_sd):
    import json

    described = json.loads(open_renderer(spec_of(tiny_sd)).environment)
    assert described["device"] == f"cuda ({torch.cuda.get_device_name()})"
    assert described["determinism"]["mode"] == "strict"
    assert described["determinism"]["cublas_workspace"]
    assert described["cuda"] == torch.version.cuda
    assert described["cudnn"] == torch.backends.cudnn.version()
    assert described["driver"]
