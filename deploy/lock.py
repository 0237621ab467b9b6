"""Write requirements.lock and requirements-cuda.lock: all that the farm, its tests and its checks install, with hashes.

`make lock` calls it with uv; options go to `uv pip compile`, such as `--upgrade` or `--upgrade-package ray`. CUDA's
libraries have a file of their own, since only PyPI's torch for Linux wants them. For torch the file that pip finds here
is allowed too, which may be PyTorch's own build for CPUs, and those that were allowed before.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, CUDA_LOCK = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
_CUDA = ("nvidia-", "cuda-", "triton==")
_COMMAND = ("pip", "compile", "--universal", "--python-version=3.11", "--generate-hashes")
_QUIET = ("--quiet", "--no-header", "--no-annotate", "--extra=dev", "--extra=s3")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def main() -> None:
    """Write both files."""
    before = "".join(lock.read_text() for lock in (LOCK, CUDA_LOCK) if lock.exists())
    with tempfile.TemporaryDirectory() as name:
        folder, together = Path(name), Path(name) / "together.lock"
        together.write_text(before)  # uv keeps the versions that it finds here
        subprocess.run(
            [sys.executable, "-m", "uv", *_COMMAND, *_QUIET, *sys.argv[1:], "pyproject.toml", "-o", together],
            cwd=ROOT,
            check=True,
        )
        entries = _entries(together.read_text())
        torch = next(entry for entry in entries if entry.startswith("torch=="))
        known = next((entry for entry in _entries(before) if _version(entry) == _version(torch)), "")
        hashes = {*_HASH.findall(torch), *_HASH.findall(known), _found_here(_version(torch), folder)}
    entries[entries.index(torch)] = f"{_version(torch)} \\\n" + " \\\n".join(
        f"    --hash={digest}" for digest in sorted(hashes)
    )
    cuda = [entry for entry in entries if entry.startswith(_CUDA)]
    _write(LOCK, [entry for entry in entries if entry not in cuda])
    _write(CUDA_LOCK, cuda)


def _entries(text: str) -> list[str]:
    """Return the requirements of a lock, each with the lines of its hashes."""
    return [entry.rstrip() for entry in re.split(r"(?m)^(?=[\w.-]+==)", text) if "==" in entry]


def _version(entry: str) -> str:
    return entry.partition(" ")[0]


def _found_here(requirement: str, folder: Path) -> str:
    """Return the hash of the file that pip takes for a requirement on this machine."""
    command = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        requirement,
    )
    subprocess.run(command, check=True)
    [wheel] = folder.glob("*.whl")
    with wheel.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _write(lock: Path, entries: list[str]) -> None:
    lock.write_text(
        "# Written by `make lock`, which keeps versions; `make lock OPTIONS=--upgrade` raises them.\n"
    )
    with lock.open("a") as file:
        file.writelines(f"{entry}\n" for entry in entries)


if __name__ == "__main__":
    main()
