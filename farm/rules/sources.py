"""Settings and names for the libraries that load models, which must not make them load anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.manifest.sources import written_sources

MAX_SETTING = 1_000_000
"""Maximum of a scheduler setting, since schedulers compute tables of that length; models are trained with a thousand
steps."""

_LOADER_ARGUMENTS = {
    *(
        "cache_dir",
        "config",
        "custom_pipeline",
        "custom_revision",
        "force_download",
        "kwargs",
        "local_files_only",
    ),
    *(
        "pretrained_model_name_or_path",
        "proxies",
        "return_unused_kwargs",
        "revision",
        "self",
        "subfolder",
        "token",
    ),
    *("trust_remote_code", "variant"),
}
"""Arguments of diffusers' loaders that are not settings of a scheduler."""


def source_checks(manifest: Mapping[Any, Any]) -> Iterator[Finding]:
    """Yield every invalid setting of a scheduler, and every file or folder name that leads out of its source."""
    match manifest:
        case {"model": {"scheduler": dict(scheduler)}}:
            yield from _settings(scheduler, ("model", "scheduler"))
    match manifest:
        case {"animation": {"over": {"scheduler": list(schedulers)}}}:
            for position, each in enumerate(schedulers):
                yield from _settings(each, ("animation", "over", "scheduler", position))
    match manifest:
        case {"model": dict(model)}:
            for path, source in written_sources(model):
                yield from _weight_name(source, ("model", *path, "weight_name"))
                yield from _folders(source, ("model", *path))


def _settings(scheduler: Any, path: FieldPath) -> Iterator[Finding]:
    config = scheduler.get("config") if isinstance(scheduler, dict) else None
    for name, value in config.items() if isinstance(config, dict) else ():
        field = (*path, "config", name)
        if isinstance(name, str) and (
            name in _LOADER_ARGUMENTS or not name[:1].isalpha() or not name.isidentifier()
        ):
            yield Finding(
                path=field, found="not a scheduler setting", allowed="allowed: the settings of its class"
            )
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and abs(number) > MAX_SETTING:
                yield Finding(
                    path=field,
                    found=f"found {describe_value(number)}",
                    allowed=f"allowed: numbers from -{MAX_SETTING} to {MAX_SETTING}",
                )


def _weight_name(source: Any, path: FieldPath) -> Iterator[Finding]:
    match source:
        case {"weight_name": str(name)} if (
            not name.endswith(".safetensors") or _leads_out(name) or _is_invalid_name(name)
        ):
            yield Finding(
                path=path,
                found=f"found {describe_value(name)}",
                allowed="allowed: the name of a .safetensors file in that repository or folder",
            )


def _folders(source: Any, path: FieldPath) -> Iterator[Finding]:
    for field in ("subfolder", "image_encoder_folder"):
        name = source.get(field) if isinstance(source, dict) else None
        if isinstance(name, str) and (_leads_out(name) or _is_invalid_name(name)):
            yield Finding(
                path=(*path, field),
                found=f"found {describe_value(name)}",
                allowed="allowed: the name of a folder in that repository or folder",
            )


def _leads_out(name: str) -> bool:
    return "\\" in name or name.startswith("/") or ".." in PurePosixPath(name).parts


def _is_invalid_name(name: str) -> bool:
    """Return whether a path contains unprintable characters, or a name of more than 255 bytes."""
    return not name.isprintable() or any(
        len(part.encode("utf-8", "replace")) > 255 for part in name.split("/")
    )
