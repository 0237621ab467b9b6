import gc
import weakref

import numpy as np
import pytest
import torch

from farm.errors import OutOfMemory, RenderError
from farm.render import open_renderer
from farm.render.memory import is_out_of_memory
from tests.checkpoints.stable_diffusion_xl import save_stable_diffusion_xl
from tests.render.frames import chunk_of, frame_of, spec_of

TOO_MUCH = 2**50


@pytest.fixture
def renderer(tiny_sd):
    return open_renderer(spec_of(tiny_sd))


def test_running_out_of_memory_reports_the_request_and_a_remedy(renderer, monkeypatch):
    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", lambda *a, **k: torch.empty(TOO_MUCH))
    with pytest.raises(OutOfMemory) as caught:
        renderer.render(chunk_of(frame_of(height=24, width=32), batch_size=4))
    assert str(caught.value) == (
        "StableDiffusionPipeline: out of memory on cpu with 4 frames of 32x24 in one call ([enforce fail at "
        "alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "4503599627370496 bytes. Error code 12 (Cannot allocate memory)). Reduce render.batch_size, or "
        "render.height and render.width, choose options of model.memory, or end other programs that use this "
        "device."
    )


def test_memory_of_a_failed_call_is_free_when_the_error_arrives(renderer, monkeypatch):
    taken = []

    def hungry(sample, *arguments, **named):
        large = torch.zeros(1000)
        taken.extend(map(weakref.ref, (large, sample)))
        return torch.empty(TOO_MUCH)

    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", hungry)
    with pytest.raises(OutOfMemory) as caught:
        renderer.render(chunk_of(frame_of()))
    assert len(taken) == 2
    assert [reference() for reference in taken] == [None, None]
    assert caught.value.__context__ is None


def test_tensors_kept_by_a_scheduler_are_freed_too(renderer, monkeypatch):
    plain, steps = renderer._loaded.pipeline.unet.forward, []

    def hungry(*arguments, **named):
        if len(steps) == 3:
            return torch.empty(TOO_MUCH)
        made = plain(*arguments, **named)
        steps.append(weakref.ref(made[0]))
        return made

    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", hungry)
    own = weakref.ref(renderer._loaded.pipeline.scheduler)
    with pytest.raises(OutOfMemory):
        renderer.render(chunk_of(frame_of(scheduler="PNDMScheduler", guidance_scale=1.0)))
    assert len(steps) == 3
    assert [step() for step in steps] == [None] * 3
    gc.collect()
    assert own() is None


def test_the_next_call_renders_as_usual(renderer, monkeypatch):
    before = renderer.render(chunk_of(frame_of()))
    with monkeypatch.context() as patched:
        patched.setattr(renderer._loaded.pipeline.unet, "forward", lambda *a, **k: torch.empty(TOO_MUCH))
        with pytest.raises(OutOfMemory):
            renderer.render(chunk_of(frame_of()))
    assert np.array_equal(renderer.render(chunk_of(frame_of())), before)


def test_running_out_of_memory_is_detected_while_prompts_are_encoded(renderer, monkeypatch):
    monkeypatch.setattr(renderer._loaded.pipeline, "encode_prompt", lambda *a, **k: torch.empty(TOO_MUCH))
    with pytest.raises(OutOfMemory, match="with 1 frame in one call"):
        renderer.render(chunk_of(frame_of()))


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
)
def test_every_out_of_memory_error_of_torch_is_recognized(error, is_one):
    assert is_out_of_memory(error) is is_one


def test_after_running_out_of_memory_in_decoding_the_next_call_equals_the_first(folders, monkeypatch):
    # The autoencoder of SDXL decodes in float32, and returns to float16 only after decoding.
    model = folders(save_stable_diffusion_xl)
    renderer = open_renderer(spec_of(model, pipeline="StableDiffusionXLPipeline", torch_dtype="float16"))
    vae = renderer._loaded.pipeline.vae
    vae.register_to_config(force_upcast=True)
    [before] = renderer.render(chunk_of(frame_of()))
    with monkeypatch.context() as full:
        full.setattr(vae, "decode", lambda *a, **k: torch.empty(TOO_MUCH))
        with pytest.raises(OutOfMemory):
            renderer.render(chunk_of(frame_of()))
    [after] = renderer.render(chunk_of(frame_of()))
    assert np.array_equal(before, after)


def test_after_any_failure_in_decoding_the_next_call_equals_the_first(folders, monkeypatch):
    model = folders(save_stable_diffusion_xl)
    renderer = open_renderer(spec_of(model, pipeline="StableDiffusionXLPipeline", torch_dtype="float16"))
    vae = renderer._loaded.pipeline.vae
    vae.register_to_config(force_upcast=True)
    with monkeypatch.context() as broken:
        broken.setattr(vae, "decode", lambda *a, **k: torch.zeros(2) @ torch.zeros(3))
        with pytest.raises(RenderError):
            renderer.render(chunk_of(frame_of()))
    assert vae.dtype == torch.float16
    assert renderer.render(chunk_of(frame_of()))[0] is not None
