"""A private local Ray: on loopback only, with a token of its own, in a folder that no other user can enter."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray._private import ray_constants
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]  # compiled

from farm.errors import ClusterError
from farm.execute.ray.init import PrivateFolder, environment, init_ray

_OBJECT_STORE_BYTES = 128 * 2**20  # frames go to the job folder; Ray carries only small records
_LOOPBACK = "127.0.0.1"
_PATHS = (
    *("HF_HOME", "HF_HUB_CACHE", "HF_TOKEN_PATH", "HUGGINGFACE_HUB_CACHE", "TORCH_HOME", "XDG_CACHE_HOME"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TMPDIR"),
)
"""Variables that hold a path, possibly relative to the current directory, which is another one for workers."""


def start_ray(folder: PrivateFolder, workers: int | None) -> None:
    """Start a local Ray without output, with slots for `workers` workers (None: one per core).

    Its token exists only in the environment of its processes.

    Raises:
        ClusterError: when it listens on an address other than loopback.
    """
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's future default; silences a warning
    }
    variables |= {name: str(Path(os.environ[name]).absolute()) for name in _PATHS if os.environ.get(name)}
    with _on_loopback(), environment(**variables):
        _reload_settings()
        listens_at = init_ray(
            folder.empty,
            address="local",
            num_cpus=workers,  # even on fewer cores; None counts the cores
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            _temp_dir=str(folder.path / "r"),
        )
    if listens_at != _LOOPBACK:
        stop_ray()
        raise ClusterError(
            f"Ray {ray.__version__} listens on {listens_at}, which other machines can reach. Install the version that "
            "the farm was tested with (deploy/runtime.lock), or use --inline to render without Ray."
        )


def stop_ray() -> None:
    """Stop the local Ray, and make this process forget its token."""
    ray.shutdown()
    _reload_settings()


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Make Ray use 127.0.0.1 as this machine's address, and bind every port to it.

    Ray does so on systems without cluster support. RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 has the same effect, but is read
    only at import, and would keep this process from joining a cluster later.
    """
    former = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = former


def _reload_settings() -> None:
    """Make Ray read RAY_AUTH_MODE and the token again, which it caches at import."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
