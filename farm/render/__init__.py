"""Renders chunks of recipes to frames. torch and diffusers are imported only when a renderer opens."""

from __future__ import annotations

import os
from typing import Protocol

from farm.callable_module import make_callable
from farm.records import Chunk, DiffusersSpec, Pixels, RendererSpec
from farm.render.procedural import ProceduralRenderer

# diffusers reads it when it is imported, always after this package: code in a checkpoint is never run, and no community
# pipeline is fetched.
os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"


class Renderer(Protocol):
    """A loaded model, or a substitute, on one device; the same chunk always gives the same pixels."""

    @property
    def device(self) -> str:
        """Return the device's kind and name, such as `cpu` or `cuda (NVIDIA H100)`."""

    @property
    def environment(self) -> str:
        """Return a JSON object of what may change bits besides the recipe: versions, device, dtype, threads."""

    @property
    def own_scheduler(self) -> str:
        """Return the checkpoint's scheduler class, the default for recipes that name none; empty without one."""

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one image per frame of the chunk, in order and without padding.

        None stands for an unusable image, with NaN or infinite values.

        Raises:
            OutOfMemory: when the device has too little memory; what the call allocated is free again.
            RenderError: when the pipeline fails.
        """


def open_renderer(spec: RendererSpec) -> Renderer:
    """Load the renderer of `spec` on this process's device: a GPU if one is visible, else the CPU.

    Raises:
        ModelError: when the checkpoint cannot be found or loaded.
    """
    if isinstance(spec, DiffusersSpec):
        _set_variables()
        from farm.render.diffusers_renderer import DiffusersRenderer

        return DiffusersRenderer(spec)
    return ProceduralRenderer(spec)


def describe_environment(spec: RendererSpec) -> str:
    """Return the environment of a renderer of `spec` in this process, without loading it."""
    if isinstance(spec, DiffusersSpec):
        _set_variables()
        from farm.render import environment

        return environment.describe(spec)
    return ProceduralRenderer(spec).environment


def _set_variables() -> None:
    for library in ("TRANSFORMERS", "DIFFUSERS"):  # their hints are addressed to programmers
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    # cuBLAS reads it when it starts; without it, results may differ from call to call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def describe_device() -> str:
    """Return a description of the devices that renderers on this machine use."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return f"CUDA: {', '.join(names)}"
    return f"CPU: {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, one worker of one thread each"


make_callable(__name__)  # farm.render(...), of the Python API
