"""A connection to Ray: to a private local one that the farm starts, or to an existing cluster."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import ray
from ray._raylet import AuthenticationMode, get_authentication_mode  # type: ignore[attr-defined]  # compiled
from ray.exceptions import RayError

from farm.errors import ClusterError, UsageError
from farm.execute.ray.init import PrivateFolder, init_ray
from farm.execute.ray.local import start_ray, stop_ray
from farm.execute.ray.security import refuse_old_ray, warn_of_no_token

_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Resources for `count` workers, each on one GPU or one CPU core.

    `free` if they are free now, so that every worker will start; a cluster may have to scale up first.
    """

    count: int
    gpu: bool
    free: bool


class RaySession:
    """A connection to Ray, from construction to `close`. A Ray that was running before keeps running afterwards.

    Without an address RAY_ADDRESS is used, as everywhere in Ray; without that, a local Ray is started.
    """

    def __init__(self, *, address: str | None, workers: int | None) -> None:
        address = address or os.environ.get("RAY_ADDRESS")  # set by the user, or by the cluster for its jobs
        self._is_cluster = address is not None
        self._folder: PrivateFolder | None = None
        # Ray itself refuses a cluster of another version.
        refuse_old_ray(ray.__version__, "this environment")
        if ray.is_initialized():
            return
        if address is not None:
            _refuse_address(address)
        self._folder = PrivateFolder()
        try:
            if address is None:
                _start(self._folder, workers)
            else:
                _connect(self._folder, address)
        except BaseException as error:
            stop_ray()
            if address is not None or not isinstance(
                error, ClusterError
            ):  # its text may name a log in the folder
                self._folder.remove()
            raise

    def slots(self, workers: int | None) -> Slots:
        """Return slots for `workers` workers; for None, as many as the resources allow.

        A cluster may scale up, so it accepts more workers than its resources now allow. A cluster without CPU cores,
        which consists of a head alone, gets GPU workers.

        Raises:
            UsageError: when a local Ray has fewer resources.
        """
        resources = ray.cluster_resources()
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        available, unit = (gpus, "GPU") if gpus or not cpus else (cpus, "CPU core")
        if workers is not None and workers > available and not self._is_cluster:
            plural = "" if available == 1 else "s"
            raise UsageError(
                f"--workers {workers}: Ray has {available} {unit}{plural}, and a worker takes one; "
                f"use {available} or fewer."
            )
        count, gpu = workers or available or 1, unit == "GPU"
        available_now = ray.available_resources().get("GPU" if gpu else "CPU", 0)
        return Slots(count=count, gpu=gpu, free=available_now >= count)

    def close(self) -> None:
        """Disconnect, and stop Ray if this session started it."""
        if self._folder is not None:
            stop_ray()
            self._folder.remove()


def _start(folder: PrivateFolder, workers: int | None) -> None:
    try:
        start_ray(folder, workers)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise ClusterError(
            f"A local Ray cannot be started: {error}\nUse --inline to render without Ray."
        ) from error


def _refuse_address(address: str) -> None:
    """Fail fast if nothing listens at an address: `ray.init` itself would try for ten minutes."""
    if address.startswith("ray://"):
        raise UsageError(
            f"--address {address}: Ray Client cannot stream results, which the farm needs. Submit the "
            "manifest to the cluster's dashboard (farm submit --address http://head:8265), or run the farm with "
            "--address auto on a node of the cluster."
        )
    if address != "auto":
        _check_port(address)


def _connect(folder: PrivateFolder, address: str) -> None:
    try:
        init_ray(folder.empty, address=address)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise ClusterError(
            f"--address {address}: {error}\nIs the cluster running (ray status), with the same versions of "
            "Ray and Python, and is RAY_AUTH_TOKEN set if it requires a token?"
        ) from error
    if get_authentication_mode() != AuthenticationMode.TOKEN:
        warn_of_no_token(f"--address {address}")


def _check_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"--address {address}: expected auto, or host:port of the head (port 6379 by default)."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(
            f"--address {address}: no answer ({error.strerror or error}). Start the head there "
            "(ray start --head), open its port, or omit --address to render on this machine."
        ) from error
