"""Nobody else can reach a local Ray: its ports, its token, its directory."""

import os
import stat
import sys
from pathlib import Path

import grpc
import psutil
import pytest
import requests

from tests.execute import shards as shards_module
from tests.execute.shards import done_frames, shards

pytestmark = [pytest.mark.ray, pytest.mark.slow]
NOBODY = 65534


@pytest.fixture(scope="module")
def executor(shared_ray):
    import ray

    from farm.execute.ray.executor import RayExecutor

    shared_ray.close()
    ray.cloudpickle.register_pickle_by_value(shards_module)
    before = surroundings()
    with RayExecutor(workers=1) as executor:
        assert surroundings() == before
        yield executor
    assert not folder_of(executor).exists()
    assert surroundings() == before


def surroundings():
    variables = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return variables, Path.cwd(), [*sys.argv]


def folder_of(executor):
    return executor._session._folder.path


def processes():
    return psutil.Process().children(recursive=True)


def arguments_of(process):
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it ended meanwhile
        return []


def token_of(executor):
    return executor.background(os.getenv, "RAY_AUTH_TOKEN")


def test_every_port_is_on_loopback(executor, tmp_path):
    assert done_frames(list(executor.run(shards(tmp_path, chunks=2)))) == [0, 1, 2, 3]
    ports = [
        connection.laddr
        for process in (psutil.Process(), *processes())
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(ports) > 6
    assert {port.ip for port in ports} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_nothing_answers_without_the_token(executor):
    import ray

    channel = grpc.insecure_channel(ray.get_runtime_context().gcs_address)
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetClusterId")(b"", timeout=20)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_the_agent_answers_nobody_without_the_token(executor):
    import ray

    [agent] = [node["NodeManagerAddress"] for node in ray.nodes()]
    [file] = (folder_of(executor) / "r").glob("session_2*/dashboard_agent_listen_port_*")
    port = int(file.read_text())
    if port < 0:
        pytest.skip("another Ray of this machine has the agent's port, and this one's agent listens on none")
    answer = requests.get(f"http://{agent}:{port}/api/job_agent/jobs/x", timeout=20)
    assert answer.status_code == 401


def test_the_token_is_in_the_environment_of_its_processes_and_nowhere_else(executor, tmp_path):
    token = token_of(executor)
    assert len(token) == 64
    list(executor.run(shards(tmp_path, chunks=2)))
    files = [path for path in (*folder_of(executor).rglob("*"), *tmp_path.rglob("*")) if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if token.encode() in path.read_bytes()]
    assert not [process for process in processes() if token in " ".join(arguments_of(process))]
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_workers_run_in_and_import_from_an_empty_directory_only(executor):
    empty = executor.background(Path.cwd)
    assert empty.parent == folder_of(executor)
    assert not [*empty.iterdir()]
    assert stat.S_IMODE(empty.stat().st_mode) == 0o500
    found = executor.background(eval, "__import__('sys').path")
    assert found[0] == str(empty)
    assert str(Path(sys.argv[0]).parent) not in found


def test_another_user_can_neither_read_nor_write_the_workers_files(executor):
    folder = folder_of(executor)
    [socket] = (folder / "r").glob("session_2*/sockets/raylet")
    [worker, *_] = [process.pid for process in processes() if "raylet" in process.name()]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()
    if os.getuid() != 0:
        return  # only root can become another user; the modes above protect the files
    attempts = (
        lambda: [*folder.iterdir()],
        lambda: (folder / "numpy.py").write_text(""),
        lambda: socket.stat(),
        lambda: folder.rename(f"{folder}.mine"),
        lambda: Path(f"/proc/{worker}/environ").read_bytes(),
        lambda: Path(f"/proc/{worker}/cwd").readlink(),
    )
    assert as_nobody(attempts) == [True] * len(attempts)


def as_nobody(attempts):
    """Return for each attempt whether it was refused to a process of another user."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        for attempt in attempts:
            try:
                attempt()
            except PermissionError:
                os.write(writing, b"1")
            except BaseException:
                os.write(writing, b"?")
            else:
                os.write(writing, b"0")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return [answer == ord("1") for answer in pipe.read()]
