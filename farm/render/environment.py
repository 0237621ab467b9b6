"""The environment of a frame: what may change its bits besides the recipe, known without loading a model."""

from __future__ import annotations

import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import diffusers
import torch
import transformers

from farm.records import DiffusersSpec
from farm.render import determinism

_VARIABLE_PREFIXES = (
    *("ATEN_CPU_", "ONEDNN_", "DNNL_", "MKL_", "OPENBLAS_", "CUBLASLT_", "CUDNN_", "NVIDIA_TF32_"),
    *("TORCH_ALLOW_TF32_", "TORCH_BLAS_", "TORCH_CUDNN_", "DISABLE_ADDMM_"),
)
"""Of environment variables that change how libraries compute."""

_LIBRARIES = (
    *("accelerate", "compel", "numpy", "peft", "scipy", "tokenizers", "torchsde", "xformers"),
    *("av", "opencv-python-headless", "pillow"),
)
"""Other libraries that compute: LoRAs, tokens, noise, schedulers, attention; and that read and prepare images."""


def this_device() -> torch.device:
    """Return the device that this process renders on: a GPU if one is visible."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """Return the device's kind and name, such as `cpu` or `cuda (NVIDIA H100)`."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else "cpu"


def describe(spec: DiffusersSpec) -> str:
    """Return the environment of a renderer of `spec` in this process, as a JSON object."""
    device = this_device()
    return json.dumps(
        {
            "device": device_name(device),
            "torch_dtype": spec.torch_dtype,
            "cpu": _processor(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            **_libraries(),
            **_variables(),
            "platform": f"{platform.system()}-{platform.machine()}",
            **determinism.describe(spec.determinism, device),
        },
        sort_keys=True,
    )


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name: libraries also choose their kernels by its vendor and model."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor()


def _libraries() -> dict[str, str]:
    """Return the versions of the other libraries that compute."""
    installed = {}
    for name in _LIBRARIES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _variables() -> dict[str, str]:
    """Return the variables that change how libraries compute, except numbers of threads, which are set elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_VARIABLE_PREFIXES) and not name.endswith("_NUM_THREADS")
    }
