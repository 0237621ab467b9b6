"""What of a renderer determines pixels."""

from __future__ import annotations

from farm.canonical import digest
from farm.records import DiffusersSpec, MemorySpec, RendererSpec


def renderer_digest(renderer: RendererSpec) -> str:
    """Digest what of the renderer determines pixels; not where weights lie or how they are called."""
    if not isinstance(renderer, DiffusersSpec):
        return digest({"procedural": renderer})
    refiner = renderer.refiner
    return digest(
        {
            "pipeline": renderer.pipeline,
            "weights": renderer.source.fingerprint,
            "config": renderer.config.fingerprint if renderer.config else None,
            "variant": renderer.variant,
            "torch_dtype": renderer.torch_dtype,
            "refiner": refiner and (refiner.source.fingerprint, refiner.variant),
            "controlnets": [
                (net.source.fingerprint, net.subfolder, net.variant) for net in renderer.controlnets
            ],
            "ip_adapters": [
                (
                    adapter.source.fingerprint,
                    adapter.subfolder,
                    adapter.weight_name,
                    adapter.image_encoder_folder,
                )
                for adapter in renderer.ip_adapters
            ],
            "textual_inversions": [
                (word.source.fingerprint, word.weight_name, word.token)
                for word in renderer.textual_inversions
            ],
            "loras": [(lora.source.fingerprint, lora.weight_name) for lora in renderer.loras],
            "memory": _memory(renderer.memory),
            "determinism": renderer.determinism,
        }
    )


def _memory(memory: MemorySpec) -> dict[str, object]:
    """Return what may change the last bits: where weights wait for their turn does not."""
    return {
        "vae_slicing": memory.vae_slicing,
        "vae_tiling": memory.vae_tiling,
        "attention": memory.attention,
    }
