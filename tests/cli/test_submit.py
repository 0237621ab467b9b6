"""Calls of the cluster client, which has its own tests with a real head."""

import pytest

from farm.cli import cluster
from farm.errors import Interrupted
from farm.execute.ray.jobs_client import JobsClient
from tests.pictures import draw, save_sequence


class Client:
    def submit(self, *submitted):
        self.submitted = submitted
        return "job-1"


@pytest.fixture
def client(monkeypatch):
    client = Client()
    monkeypatch.setattr(cluster, "jobs_client", lambda address: client)
    return client


def test_pictures_in_the_folder_of_a_manifest_are_submitted_with_it(farm, client, write_manifest, tmp_path):
    draw(1).save(tmp_path / "mask.png")
    folder = save_sequence(tmp_path / "frames", 25)
    path = write_manifest(
        pipeline=("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"),
        render=("render: {", "render: {image: frames, mask_image: mask.png, "),
    )
    code, out, err = farm("submit", path, "--address", "http://head:8265", "--no-wait")
    assert (code, out) == (0, "job-1\n"), err
    manifest, _, pictures = client.submitted
    assert manifest == path
    assert pictures == [*(folder / f"frame{number}.png" for number in range(21)), tmp_path / "mask.png"]


def test_a_manifest_with_missing_pictures_is_not_submitted(farm, client, write_manifest, tmp_path):
    path = write_manifest(
        pipeline=("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"),
        render=("height: 16, width: 16", "image: dog.png"),
    )
    code, _, err = farm("submit", path, "--address", "http://head:8265")
    assert code == 2
    assert f"render.image: there is no file {tmp_path}/dog.png" in err
    assert not hasattr(client, "submitted")


class Listing(Client):
    def jobs(self):
        return []


@pytest.mark.parametrize(
    ("address", "warns"),
    [
        ("http://head:8265", True),
        ("http://10.0.0.1:8265", True),
        ("http://127.0.0.1.evil.example:8265", True),
        ("http://[fe80::1]:8265", True),
        ("https://head", False),
        ("http://127.0.0.1:8265", False),
        ("http://[::1]:8265", False),
        ("http://localhost:8265", False),
    ],
)
@pytest.mark.parametrize("token", [{"RAY_AUTH_TOKEN": "s3cret"}, {"RAY_AUTH_MODE": "token"}, {}], ids=str)
def test_an_auth_token_sent_unencrypted_is_warned_of_once(farm, monkeypatch, address, warns, token):
    monkeypatch.setattr(cluster, "jobs_client", lambda _: Listing())
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in token.items():
        monkeypatch.setenv(name, value)
    warning = (
        f"{address}: the auth token would be sent unencrypted. Use https://, or forward the port through SSH (ray "
        "dashboard, or ssh -N -L 8265:127.0.0.1:8265 HEAD) and use http://127.0.0.1:8265.\n"
    )
    assert farm("jobs", "list", "--address", address)[::2] == (0, warning if warns and token else "")


def test_suggested_commands_quote_job_ids(monkeypatch):
    client = object.__new__(JobsClient)
    client.address = "http://head:8265"

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "job", interrupted)
    with pytest.raises(Interrupted) as raised:
        client.wait("x; rm -rf ~")
    assert str(raised.value) == (
        "x; rm -rf ~ continues on the cluster. To show its output: farm jobs logs 'x; rm -rf ~' "
        "--address http://head:8265; to stop it: farm jobs cancel 'x; rm -rf ~' --address http://head:8265"
    )
