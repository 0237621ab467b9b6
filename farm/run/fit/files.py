"""The one file that an adapter's place in a manifest means."""

from __future__ import annotations

from pathlib import Path

from farm.manifest.findings import Finding, did_you_mean
from farm.manifest.location import FieldPath
from farm.records import ModelSource
from farm.render.checkpoints.adapter_files import only_or_usual
from farm.render.checkpoints.checkpoint_contents import contents_of


def find_weights(
    field: FieldPath, source: ModelSource, weight_name: str | None, *, usual: str, subfolder: str = ""
) -> Path | Finding | None:
    """Return an adapter's file, or what is wrong with its name; None where the hub's is not on this machine yet.

    Where the manifest gives no name it is the only file, or the one of the `usual` name.
    """
    place = contents_of(source)
    if place is None or place.is_file():
        return place
    folder = place / subfolder
    if weight_name is None:
        # Of a repository of the hub, other files than those on this machine may be the only one.
        known = folder.iterdir() if source.kind != "hub" and folder.is_dir() else ()
        weight_name = only_or_usual((file.name for file in known), usual)
    if (folder / weight_name).is_file():
        return folder / weight_name
    if source.kind == "hub":
        return None
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.safetensors"))
    where = f"{subfolder} of {source.pretrained}" if subfolder else source.pretrained
    there = f" ({', '.join(names[:10])})" if names else ""
    return Finding(
        path=(*field, "weight_name"),
        found=f"there is no {weight_name} in {where}",
        allowed=f"allowed: a .safetensors file there{there}",
        hint=did_you_mean(weight_name, names),
    )
