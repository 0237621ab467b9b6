"""A head of our own with its dashboard on loopback and token authentication on."""

import io
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from farm.cli.cluster import entrypoint
from farm.errors import ClusterError, Interrupted, UsageError

pytestmark = [pytest.mark.ray, pytest.mark.slow]


MANIFEST = """
version: 1
name: film
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: circle, prompt: a fish, frames: 4}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            return  # it answers, if only to say that it wants a token
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise TimeoutError(url)


def printed(log):
    """Return the job's own lines; Ray puts lines of its own before or after them."""
    return [
        line for line in log.splitlines() if "Running entrypoint" not in line and "job_manager" not in line
    ]


@pytest.fixture(scope="module")
def head():
    """Start a head in the foreground, in a process group and a folder of its own; give its URL and token."""
    token = secrets.token_hex(16)
    folder = tempfile.mkdtemp(prefix="fh-", dir="/tmp")  # short: Ray's sockets lie in it
    ports = [free_port() for _ in range(4)]
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_TMPDIR": folder}
    environment.pop("RAY_ADDRESS", None)
    with (Path(folder) / "head.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2",
                f"--temp-dir={folder}", "--node-ip-address=127.0.0.1", "--include-dashboard=true",
                "--dashboard-host=127.0.0.1", f"--dashboard-port={ports[0]}", f"--port={ports[1]}",
                f"--dashboard-agent-listen-port={ports[2]}", f"--ray-client-server-port={ports[3]}",
                "--object-store-memory=100000000", "--disable-usage-stats",
            ],
            env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{ports[0]}"
    try:
        wait_for(f"{url}/api/version")
        yield url, token
    finally:
        ours = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs([psutil.Process(process.pid), *ours], timeout=10)
        for left in alive:
            left.kill()
        process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(head):
    from farm.execute.submit import JobsClient

    return JobsClient(*head)


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "secrets.env").write_text("HF_TOKEN=hf_x")
    path = tmp_path / "dog.yaml"
    path.write_text("name: dog\n")
    return path


def test_a_manifest_is_submitted_followed_and_its_exit_code_returned(client, manifest):
    out = io.StringIO()
    assert client.follow(client.submit(manifest, "ls; cat dog.yaml; exit 3"), out) == 3
    assert printed(out.getvalue()) == ["dog.yaml", "name: dog"]


def test_the_manifests_of_a_folder_go_along_and_nothing_else(client, manifest):
    job_id = client.submit(manifest.parent, "ls")
    assert client.wait(job_id) == 0
    assert printed(client.logs(job_id)) == ["dog.yaml"]
    assert client.jobs()[0].job_id == job_id
    assert client.job(job_id).status == "SUCCEEDED"


def test_pictures_go_along_as_they_lie_below_the_manifest(client, manifest):
    pictures = [manifest.parent / "frames" / "dog" / "1.png", manifest.parent / "mask.png"]
    for picture in pictures:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(picture.name)
    (manifest.parent / "frames" / "another.png").touch()
    job_id = client.submit(manifest, "ls; find frames -type f; cat frames/dog/1.png", pictures)
    assert client.wait(job_id) == 0
    assert printed(client.logs(job_id)) == ["dog.yaml", "frames", "mask.png", "frames/dog/1.png", "1.png"]


def test_more_pictures_than_can_be_submitted_are_told_with_where_to_put_them(client, manifest):
    picture = manifest.parent / "a.mp4"
    with picture.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(UsageError) as refused:
        client.submit(manifest, "ls", [picture])
    assert str(refused.value) == (
        "The pictures beside the manifest have more than 103809024 bytes, which is all that can be submitted. Put them "
        "where all machines of the cluster find them, and name them by their whole paths."
    )
    with picture.open("wb") as file:
        file.write(os.urandom(99 * 2**20))
    assert client.wait(client.submit(manifest, "ls", [picture])) == 0


def test_a_cancelled_job_ends_as_interrupted(client, manifest):
    job_id = client.submit(manifest, "sleep 60")
    while client.job(job_id).status == "PENDING":
        time.sleep(0.2)
    assert client.cancel(job_id)
    assert client.wait(job_id) == 130


def test_ctrl_c_leaves_the_job_running_and_says_how_to_look_again(client, manifest):
    class Impatient(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    job_id = client.submit(manifest, "echo hello; sleep 60")
    with pytest.raises(Interrupted, match=f"farm jobs logs {job_id} --address {client.address}"):
        client.follow(job_id, Impatient())
    assert client.job(job_id).exit_code is None
    client.cancel(job_id)


def test_a_submitted_job_renders_on_the_cluster_that_it_runs_on(client, manifest, tmp_path):
    whole = tmp_path / "film.yaml"
    whole.write_text(MANIFEST)
    command = entrypoint(whole, f"{tmp_path}/out", ["--set=seed=4", "--workers=1", "--procedural"])
    job_id = client.submit(whole, command)
    assert client.wait(job_id) == 0, client.logs(job_id)
    assert "film: done, 4 of 4 frames rendered" in client.logs(job_id)
    assert len(list((tmp_path / "out" / "film-rehearsal" / "frames").iterdir())) == 4


def test_a_wrong_token_is_refused_with_what_to_do(head):
    from farm.execute.submit import JobsClient

    url, _ = head
    with pytest.raises(ClusterError) as refused:
        JobsClient(url, "wrong")
    assert str(refused.value) == (
        f"{url}: the cluster wants another token than it was given. Set RAY_AUTH_TOKEN to the one that "
        "`ray get-auth-token` prints on the head."
    )


def test_an_unknown_job_is_a_mistake_of_the_call(client):
    with pytest.raises(UsageError, match="there is no job raysubmit_none; see farm jobs list"):
        client.job("raysubmit_none")


def test_a_head_that_is_not_there_is_told_at_once():
    from farm.execute.submit import JobsClient

    with pytest.raises(ClusterError, match="Is the head's dashboard up"):
        JobsClient(f"http://127.0.0.1:{free_port()}")


def test_an_address_that_is_no_url_is_refused():
    from farm.execute.submit import JobsClient

    with pytest.raises(UsageError, match="give the dashboard's URL, such as http://head:8265"):
        JobsClient("head:6379")
