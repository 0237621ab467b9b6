"""From a chunk of recipes to pictures. torch and diffusers live here only, and load when a renderer opens."""

from __future__ import annotations

import os
from typing import Protocol

from farm.records import Chunk, DiffusersSpec, Pixels, RendererSpec
from farm.render.procedural import ProceduralRenderer

# Read by diffusers when it is imported, which whatever imports it does after this package: code that comes with a
# checkpoint is never run, nor a community pipeline fetched.
os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"


class Renderer(Protocol):
    """Holds whatever is loaded, on one device; the same chunk gives the same pixels, always."""

    @property
    def device(self) -> str:
        """The device's kind and name, such as `cpu` or `cuda (NVIDIA H100)`."""

    @property
    def environment(self) -> str:
        """A JSON object of what may change bits beside the recipe: versions, device, dtype, threads."""

    @property
    def own_scheduler(self) -> str:
        """The scheduler class of the checkpoint, which samples where a recipe names none; empty for none."""

    def render(self, chunk: Chunk) -> list[Pixels | None]:
        """Return one picture per frame of the chunk, in order; the padding is dropped.

        None stands for a picture that is none: not every value of it is a number.

        Raises:
            OutOfMemory: when the device has too little; what the call had taken is free again.
            RenderError: when the pipeline fails.
        """


def open_renderer(spec: RendererSpec) -> Renderer:
    """Load what `spec` describes on this process's device (a GPU where one is visible).

    Raises:
        ModelError: when the checkpoint cannot be found or loaded.
    """
    if isinstance(spec, DiffusersSpec):
        _set_variables()
        from farm.render.diffusers_renderer import DiffusersRenderer

        return DiffusersRenderer(spec)
    return ProceduralRenderer(spec)


def describe_environment(spec: RendererSpec) -> str:
    """Return the environment that a renderer of `spec` has in this process, without loading it."""
    if isinstance(spec, DiffusersSpec):
        _set_variables()
        from farm.render import environment

        return environment.describe(spec)
    return ProceduralRenderer(spec).environment


def _set_variables() -> None:
    for library in ("TRANSFORMERS", "DIFFUSERS"):  # read when they load; their hints are not the user's
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    # Read when cuBLAS starts: without it, its results may change from call to call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def describe_device() -> str:
    """Return what renderers of this machine run on, in words."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return f"CUDA: {', '.join(names)}"
    return f"CPU: {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, one worker of one thread each"
