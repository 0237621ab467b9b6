"""The image encoder that all IP-Adapters of a model see through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.manifest.findings import Finding
from farm.manifest.model import IpAdapter as Written
from farm.records import IpAdapter, ModelSource
from farm.render.checkpoints.adapter_files import encoder_folder
from farm.render.checkpoints.architecture import Architecture
from farm.render.checkpoints.checkpoint_contents import contents_of
from farm.render.pictures.file_digest import content_sha256

_PART = "image_encoder"
_UNLESS_NAMED = Written.model_fields["image_encoder_folder"].default


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedEncoder:
    """Its folder, None where that is not on this machine yet, in the source of the model or of the first adapter."""

    folder: Path | None
    source: ModelSource
    is_models: bool

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return "the model" if self.is_models else "the first adapter"


def shared_encoder(adapters: Sequence[IpAdapter], source: ModelSource, model: Architecture) -> SharedEncoder:
    """Return the model's own, or else the first adapter's."""
    if model.components and _PART in model.components:
        place = contents_of(source)
        return SharedEncoder(folder=place and place / _PART, source=source, is_models=True)
    return SharedEncoder(folder=_folder(adapters[0]), source=adapters[0].source, is_models=False)


def encoder_findings(adapters: Sequence[IpAdapter], shared: SharedEncoder) -> Iterator[Finding]:
    """Yield every adapter whose image encoder is not there though named, or is another than the one that is shared.

    One that names none is taken to know the shared one, if that is in its own source.
    """
    for number, adapter in enumerate(adapters):
        field = ("model", "ip_adapters", number, "image_encoder_folder")
        folder, is_local = _folder(adapter), adapter.source.kind != "hub"
        is_shared = number == 0 and not shared.is_models
        is_there = folder is not None and (folder / "config.json").is_file()
        is_named = adapter.image_encoder_folder != _UNLESS_NAMED
        if is_local and not is_there and (is_shared or is_named):
            yield Finding(
                path=field,
                found=f"there is no image encoder in {encoder_folder(adapter)} of {adapter.source.pretrained}",
                allowed="needed: the folder of one, within subfolder, or from the top where its name holds a slash",
            )
        elif (is_named or adapter.source != shared.source) and _differ(folder, shared.folder):
            yield Finding(
                path=field,
                found=f"{encoder_folder(adapter)} of {adapter.source.pretrained} is another image encoder than "
                f"that of {shared.owner}, through which all see",
                allowed="allowed: IP-Adapters that were trained with the same one, of which the same is named",
            )


def _folder(adapter: IpAdapter) -> Path | None:
    place = contents_of(adapter.source)
    return place / encoder_folder(adapter) if place else None


def _differ(one: Path | None, other: Path | None) -> bool:
    """Whether the weights of both are here, and have no file in common."""
    if one is None or other is None or one == other:
        return False
    own, wanted = _weights(one), _weights(other)
    return bool(own) and bool(wanted) and own.isdisjoint(wanted)


def _weights(folder: Path) -> set[str]:
    return {_digest(file) for file in folder.glob("*.safetensors") if file.is_file()}


def _digest(file: Path) -> str:
    # In the hub's cache a file of weights is a link to what has its SHA-256 for a name.
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" else content_sha256(file)
