"""`farm doctor`: check that this machine can render, and suggest a fix where it cannot."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

from farm import models
from farm.cli.options import Json
from farm.cli.output import echo, echo_json, format_table
from farm.errors import FarmError
from farm.execute import open_executor
from farm.reduce import installed_versions
from farm.render import describe_device
from farm.store import JobFolder
from farm.units import format_size

Check = Callable[[], str]


def doctor(as_json: Json = False) -> None:
    """Check that this machine can render."""
    findings = [(name, *_try(check)) for name, check in _CHECKS.items()]
    if as_json:
        echo_json([{"check": name, "ok": ok, "found": found} for name, ok, found in findings])
    else:
        echo(format_table((name, "ok" if ok else "FAIL", found) for name, ok, found in findings))
    if not all(ok for _, ok, _ in findings):
        raise typer.Exit(1)


def _try(check: Check) -> tuple[bool, str]:
    try:
        return True, check()
    except (FarmError, ImportError, OSError, RuntimeError, ValueError) as error:
        return False, str(error)


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _packages() -> str:
    return ", ".join(
        f"{name} {version}" for name, version in installed_versions().items() if name != "python"
    )


def _codecs() -> str:
    import av

    missing = {"libx264", "gif"} - set(av.codecs_available)
    if missing:
        raise ValueError(
            f"PyAV {av.__version__} lacks {', '.join(sorted(missing))}; reinstall the package `av`"
        )
    return f"PyAV {av.__version__} with libx264 and gif"


def _ray() -> str:
    with open_executor(workers=1):
        return "a local Ray starts and stops"


def _shipped() -> str:
    found = models.shipped()
    if not found:
        raise ValueError("none found; reinstall the farm")
    return ", ".join(f"{model.name} ({format_size(model.bytes)})" for model in found)


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free
    if free < 2**30:
        raise ValueError(f"only {format_size(free)} free in {Path.cwd()}; free some space")
    return f"{format_size(free)} free in {Path.cwd()}"


def _writes() -> str:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        JobFolder(name).write("probe", b"content")
    return "files appear by atomic rename"


def _hub() -> str:
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return f"{'offline, ' if os.environ.get('HF_HUB_OFFLINE') == '1' else ''}cache in {home}"


_CHECKS: dict[str, Check] = {
    "python": _python,
    "packages": _packages,
    "device": describe_device,
    "codecs": _codecs,
    "ray": _ray,
    "shipped": _shipped,
    "hub": _hub,
    "disk": _disk,
    "writes": _writes,
}
