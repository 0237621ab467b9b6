"""A Ray of our own: on loopback only, with a token of this run, in a directory that no other user can enter."""

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
from farm.execute.private_folder import PrivateFolder
from farm.execute.ray_init import environment, init_ray

_OBJECT_STORE_BYTES = 128 * 2**20  # frames go to the job folder; only small records pass through Ray
_LOOPBACK = "127.0.0.1"
_PATHS = (
    *("HF_HOME", "HF_HUB_CACHE", "HF_TOKEN_PATH", "HUGGINGFACE_HUB_CACHE", "TORCH_HOME", "XDG_CACHE_HOME"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TMPDIR"),
)
"""Variables with a path, which may be relative to where the user stands; workers stand elsewhere."""


def start_ray(folder: PrivateFolder, workers: int | None) -> None:
    """Start a quiet Ray with room for `workers` workers, None for one per core.

    Its token is in the environment of its processes, and nowhere else.

    Raises:
        ClusterError: when it would listen beyond loopback.
    """
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the future default; silences a warning
    }
    variables |= {name: str(Path(os.environ[name]).absolute()) for name in _PATHS if os.environ.get(name)}
    with _on_loopback(), environment(**variables):
        _read_settings_again()
        listens_at = init_ray(
            folder.empty,
            address="local",
            num_cpus=workers,  # as many slots as asked for, even on fewer cores; None counts the cores
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            _temp_dir=str(folder.path / "r"),
        )
    if listens_at != _LOOPBACK:
        stop_ray()
        raise ClusterError(
            f"Ray {ray.__version__} listens on {listens_at}, where others reach it. Install the version that the "
            "farm was tested with (deploy/runtime.lock), or render with --inline to do without."
        )


def stop_ray() -> None:
    """Stop it, and have this process know nothing of its token any more."""
    ray.shutdown()
    _read_settings_again()


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Have Ray take 127.0.0.1 for this machine's address, as it does where it knows no clusters.

    It then binds every port there. RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 is the same, but read at import only, and would
    keep this process from joining a cluster later.
    """
    former = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = former


def _read_settings_again() -> None:
    """Have Ray read RAY_AUTH_MODE and the token, which it remembers from when it was imported."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
