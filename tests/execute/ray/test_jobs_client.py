"""A separate head with its dashboard on loopback and token authentication."""

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
from typing import NamedTuple

import psutil
import pytest
from PIL import Image

from farm.cli import main
from farm.cli.cluster import entrypoint
from farm.errors import ClusterError, Interrupted, UsageError
from farm.store import JobFolder, Ledger
from tests.exhaustive import sample
from tests.hostile_modules import code, gif_and_python, write_hostile_modules

pytestmark = [pytest.mark.ray, pytest.mark.slow]


MANIFEST = """
version: 1
name: film
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: circle, prompt: a fish, frames: 4}
"""
WITH_PICTURE = """
version: 1
name: painted
model: {pipeline: StableDiffusionInpaintPipeline, pretrained: tiny-world}
animation: {kind: circle, prompt: a fish, frames: 1}
render: {image: typer.py, mask_image: mask.png, num_inference_steps: 2, strength: 0.9, height: 64, width: 64}
"""
REHEARSED = (("--procedural",), "painted-rehearsal")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url, seconds=180):
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
    """Return the job's own lines; Ray adds lines before and after them."""
    return [
        line for line in log.splitlines() if "Running entrypoint" not in line and "job_manager" not in line
    ]


class Head(NamedTuple):
    url: str
    token: str
    address: str
    folder: Path


@pytest.fixture(scope="module")
def head(shared_ray):
    """Start a head in the foreground, in its own process group and folder."""
    shared_ray.close()
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
        wait_for(f"http://127.0.0.1:{ports[2]}")  # the agent, without which no job is accepted
        yield Head(url, token, f"127.0.0.1:{ports[1]}", Path(folder))
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
    from farm.execute.ray.jobs_client import JobsClient

    return JobsClient(head.url, head.token)


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "secrets.env").write_text("HF_TOKEN=hf_x")
    path = tmp_path / "dog.yaml"
    path.write_text("name: dog\n")
    return path


def test_a_manifest_is_submitted_followed_and_its_exit_code_returned(client, manifest):
    out = io.StringIO()
    assert client.follow(client.submit(manifest, "ls; cat 000000.yaml; exit 3"), out) == 3
    assert printed(out.getvalue()) == ["000000.yaml", "submission.json", "name: dog"]


def test_pictures_are_submitted_and_no_other_files_of_the_folder(client, manifest):
    pictures = [manifest.parent / "frames" / "dog" / "1.png", manifest.parent / "mask.png"]
    for picture in pictures:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(picture.name)
    (manifest.parent / "frames" / "another.png").touch()
    job_id = client.submit(manifest, "ls; cat 000001.bin", pictures)
    assert client.wait(job_id) == 0
    assert printed(client.logs(job_id)) == [
        *("000000.yaml", "000001.bin", "000002.bin", "submission.json", "1.png")
    ]
    assert (client.jobs()[0].job_id, client.jobs()[0].manifest) == (job_id, "dog.yaml")
    assert client.job(job_id).status == "SUCCEEDED"


def test_pictures_up_to_the_documented_size_can_be_submitted(client, manifest):
    picture = manifest.parent / "a.mp4"
    with picture.open("wb") as file:
        file.write(os.urandom(99 * 2**20))
    assert client.wait(client.submit(manifest, "ls", [picture])) == 0


def test_ctrl_c_leaves_the_job_running_and_a_cancelled_job_ends_as_interrupted(client, manifest):
    class Impatient(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    job_id = client.submit(manifest, "echo hello; sleep 60")
    with pytest.raises(Interrupted, match=f"farm jobs logs {job_id} --address {client.address}"):
        client.follow(job_id, Impatient())
    assert client.job(job_id).exit_code is None
    assert client.cancel(job_id)
    assert client.wait(job_id) == 130


@pytest.mark.parametrize(("renderer", "name"), sample([((), "painted"), REHEARSED], of=[REHEARSED]))
def test_pictures_named_like_modules_are_rendered_and_never_imported(head, client, tmp_path, renderer, name):
    here, marker = tmp_path / "here", tmp_path / "imported"
    files = (
        "typer.py",
        "numpy.py",
        "sitecustomize.py",
        "farm/cli/submitted.py",
        "farm/__init__.py",
        "ray/__init__.py",
    )
    for file in files:
        (here / file).parent.mkdir(parents=True, exist_ok=True)
        (here / file).write_bytes(gif_and_python(code(marker)))
    Image.new("L", (2365, 2609), 255).save(here / "mask.png")
    manifest = here / "painted.yaml"
    manifest.write_text(WITH_PICTURE)
    command = entrypoint(f"{tmp_path}/out", ["--workers=1", *renderer])
    job_id = client.submit(manifest, command, [here / file for file in ("mask.png", *files)])
    assert client.wait(job_id) == 0, client.logs(job_id)
    assert "painted: done, 1 of 1 frames rendered" in client.logs(job_id)
    assert not marker.exists(), marker.read_text()
    with pytest.raises(SystemExit, match="0"):
        main(["render", str(manifest), "--inline", *renderer, f"--output-dir={tmp_path}/inline"])
    assert digests(tmp_path / "out" / name) == digests(tmp_path / "inline" / name)
    listed = " ".join(map(str, client.jobs()))
    assert not [file for file in ("mask.png", *files) if file in listed]
    assert head.token not in listed + client.logs(job_id)


def test_mistakes_in_a_submitted_manifest_are_reported_at_their_place_in_the_users_file(client, tmp_path):
    manifest = tmp_path / "my film.yaml"
    manifest.write_text(MANIFEST.replace("frames: 4", "frames: -4"))
    job_id = client.submit(manifest, entrypoint(f"{tmp_path}/out", ["--inline", "--procedural"]))
    assert client.wait(job_id) == 2
    assert "/as-named/my film.yaml:5:43: animation.frames: found -4" in client.logs(job_id)


def test_a_driver_on_the_head_imports_nothing_from_its_current_directory(head, tmp_path):
    folder = tmp_path / "folder"
    marker = write_hostile_modules(folder, "farm/__init__")
    (folder / "film.yaml").write_text(MANIFEST)
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("farm"), "render", "film.yaml", "--procedural", "--workers=1"),
            *("--address", head.address),
        ],
        cwd=folder,
        env=os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": head.token},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "film: done, 4 of 4 frames rendered" in done.stdout
    assert not marker.exists(), marker.read_text()


def digests(folder):
    return [row.content_sha256 for row in Ledger(JobFolder(str(folder))).rows()]


def test_a_wrong_token_is_refused_with_a_remedy(head):
    from farm.execute.ray.jobs_client import JobsClient

    with pytest.raises(ClusterError) as refused:
        JobsClient(head.url, "wrong")
    assert str(refused.value) == (
        f"{head.url}: the cluster rejected the auth token. Set RAY_AUTH_TOKEN to the output of "
        "`ray get-auth-token` on the head."
    )


def test_an_unknown_job_is_a_usage_error(client):
    with pytest.raises(UsageError, match="no job raysubmit_none; see farm jobs list"):
        client.job("raysubmit_none")


def test_an_unreachable_head_is_reported_at_once():
    from farm.execute.ray.jobs_client import JobsClient

    with pytest.raises(ClusterError, match="Is the head's dashboard running"):
        JobsClient(f"http://127.0.0.1:{free_port()}")


def test_an_address_that_is_not_a_url_is_refused():
    from farm.execute.ray.jobs_client import JobsClient

    with pytest.raises(UsageError, match="expected the URL of a dashboard, such as http://head:8265"):
        JobsClient("head:6379")
