"""Write the lock files in this folder: every package that the farm, its tests and its checks install, with hashes.

    installer.lock  uv, which installs the rest
    torch-cpu.lock  PyTorch's own build for CPUs, for machines that have it in a folder of wheels (UV_FIND_LINKS)
    torch.lock      PyPI's torch, and the CUDA libraries that it needs on Linux
    runtime.lock    everything else that rendering needs, on one machine or on the nodes of a cluster
    dev.lock        what tests, checks and the documentation need in addition

`make lock` calls it. Versions in the files are kept; options go to `uv pip compile`, such as `--upgrade` or
`--upgrade-package ray`. The hash of the build for CPUs is that of the file in this machine's folder of wheels; hashes
from earlier runs are kept while the version is unchanged.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parent / "pyproject.toml"
INSTALLER, TORCH_CPU, TORCH, RUNTIME, DEV = (
    FOLDER / f"{name}.lock" for name in ("installer", "torch-cpu", "torch", "runtime", "dev")
)
_TORCH_AND_CUDA = ("torch==", "nvidia-", "cuda-", "triton==")
_COMPILE = ("pip", "compile", "--universal", "--python-version=3.11", "--generate-hashes")
_QUIET = ("--quiet", "--no-header", "--no-annotate")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def main() -> None:
    """Write all files."""
    options = sys.argv[1:]
    build = tomllib.loads(PROJECT.read_text())["build-system"]["requires"]
    before = [entry for lock in (TORCH, RUNTIME, DEV) for entry in _entries(lock)]
    # One resolution gives every version; the runtime's packages are the subset that needs no group.
    everything = _compile(build, before, "--all-extras", "--group=dev", *options)
    runtime = _compile(build, everything, "--extra=s3")
    names = {_requirement(entry) for entry in runtime}
    torch = [entry for entry in runtime if entry.startswith(_TORCH_AND_CUDA)]
    _write(TORCH, torch)
    _write(TORCH_CPU, [_build_for_cpus(next(entry for entry in torch if entry.startswith("torch==")))])
    _write(RUNTIME, [entry for entry in runtime if entry not in torch])
    _write(DEV, [entry for entry in everything if _requirement(entry) not in names])
    _write(INSTALLER, _compile(["uv"], _entries(INSTALLER), *options, project=False))


def _compile(requirements: list[str], before: list[str], *options: str, project: bool = True) -> list[str]:
    """Return the entries of a lock, with the versions of `before` where they still fit."""
    with tempfile.TemporaryDirectory() as name:
        lock = Path(name) / "lock.txt"
        lock.write_text("\n".join(before))  # uv keeps the versions that it finds in its output file
        sources = [str(PROJECT)] if project else []
        subprocess.run(
            [sys.executable, "-m", "uv", *_COMPILE, *_QUIET, *options, *sources, "-", "-o", str(lock)],
            cwd=PROJECT.parent,
            input="\n".join(requirements),
            text=True,
            check=True,
        )
        return _entries(lock)


def _entries(lock: Path) -> list[str]:
    """Return the requirements of a lock, each with the lines of its hashes."""
    text = lock.read_text() if lock.exists() else ""
    return [entry.rstrip() for entry in re.split(r"(?m)^(?=[\w.-]+==)", text) if "==" in entry]


def _requirement(entry: str) -> str:
    """Return an entry's name, version and marker."""
    return entry.partition(" \\")[0]


def _build_for_cpus(torch: str) -> str:
    """Return the entry of the build for CPUs of the same version."""
    requirement = f"{_requirement(torch)}+cpu"
    folders = os.environ.get("UV_FIND_LINKS", "").split(",")
    wheels = [
        wheel
        for folder in filter(None, folders)
        for wheel in Path(folder).glob(f"{requirement.replace('==', '-')}-*.whl")
    ]
    hashes = {
        digest
        for entry in _entries(TORCH_CPU)
        for digest in _HASH.findall(entry)
        if entry.startswith(f"{requirement} ")
    }
    for wheel in wheels:
        with wheel.open("rb") as file:
            hashes.add(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
    return f"{requirement} \\\n" + " \\\n".join(f"    --hash={digest}" for digest in sorted(hashes))


def _write(lock: Path, entries: list[str]) -> None:
    header = "# Written by `make lock`, which keeps versions; `make lock OPTIONS=--upgrade` raises them.\n"
    lock.write_text(header + "".join(f"{entry}\n" for entry in entries))


if __name__ == "__main__":
    main()
