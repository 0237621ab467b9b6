"""A connection to Ray: a quiet local one of our own, or a cluster that somebody else runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import ray
from ray._raylet import AuthenticationMode, get_authentication_mode  # type: ignore[attr-defined]  # compiled
from ray.exceptions import RayError

from farm.errors import ClusterError, UsageError
from farm.execute.private_folder import PrivateFolder
from farm.execute.ray_init import init_ray
from farm.execute.ray_local import start_ray, stop_ray
from farm.execute.ray_safety import refuse_old_ray, warn_of_no_token

_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Room for `count` workers, each on one GPU or one CPU core.

    `there` if the room is there, so that every worker will start; a cluster may still have to grow.
    """

    count: int
    gpu: bool
    there: bool


class RaySession:
    """Ray, from construction to `close`. What was running before stays running after.

    Without an address RAY_ADDRESS counts, as everywhere in Ray; without that a Ray of our own is started.
    """

    def __init__(self, *, address: str | None, workers: int | None) -> None:
        address = address or os.environ.get("RAY_ADDRESS")  # set by the user, or by the cluster for its jobs
        self._may_grow = address is not None
        self._folder: PrivateFolder | None = None
        # A cluster has the same version, or Ray refuses it.
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
            if address is not None or not isinstance(error, ClusterError):  # which may name a log in it
                self._folder.remove()
            raise

    def slots(self, workers: int | None) -> Slots:
        """Return slots for `workers` workers; for None as many as there is room for.

        A cluster may grow: there, workers that have no room yet are waited for, and one of nothing but a head
        is asked for GPUs.

        Raises:
            UsageError: when this machine's own Ray has less room.
        """
        resources = ray.cluster_resources()
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        available, unit = (gpus, "GPU") if gpus or not cpus else (cpus, "CPU core")
        if workers is not None and workers > available and not self._may_grow:
            plural = "" if available == 1 else "s"
            raise UsageError(
                f"--workers {workers}: Ray has {available} {unit}{plural}, and a worker takes one; "
                f"ask for {available} or fewer."
            )
        count, gpu = workers or available or 1, unit == "GPU"
        free = ray.available_resources().get("GPU" if gpu else "CPU", 0)
        return Slots(count=count, gpu=gpu, there=free >= count)

    def close(self) -> None:
        """Disconnect, and stop the Ray that was started here."""
        if self._folder is not None:
            stop_ray()
            self._folder.remove()


def _start(folder: PrivateFolder, workers: int | None) -> None:
    try:
        start_ray(folder, workers)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise ClusterError(
            f"A local Ray cannot be started: {error}\nRender with --inline to do without."
        ) from error


def _refuse_address(address: str) -> None:
    """Fail at once where nothing can be reached: `ray.init` itself would try for ten minutes."""
    if address.startswith("ray://"):
        raise UsageError(
            f"--address {address}: Ray Client cannot stream results, which the farm needs. Submit the "
            "manifest to the cluster's dashboard (farm submit --address http://head:8265), or run on one of "
            "the cluster's nodes with --address auto."
        )
    if address != "auto":
        _knock(address)


def _connect(folder: PrivateFolder, address: str) -> None:
    try:
        init_ray(folder.empty, address=address)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise ClusterError(
            f"--address {address}: {error}\nIs the cluster running (ray status), with the same versions of "
            "Ray and Python, and is RAY_AUTH_TOKEN set where it wants a token?"
        ) from error
    if get_authentication_mode() != AuthenticationMode.TOKEN:
        warn_of_no_token(f"--address {address}")


def _knock(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"--address {address}: give auto, or host:port of the head (6379 unless told otherwise)."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(
            f"--address {address}: nobody answers ({error.strerror or error}). Start the head there "
            "(ray start --head), open its port, or leave --address out to render on this machine."
        ) from error
