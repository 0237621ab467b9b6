"""What is handed to the cluster's client, which is tested with a head of its own."""

import pytest

from farm.cli import cluster
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


def test_the_pictures_that_a_manifest_names_beside_it_are_submitted_with_it(
    farm, client, write_manifest, tmp_path
):
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


def test_a_manifest_whose_pictures_are_not_there_is_not_submitted(farm, client, write_manifest, tmp_path):
    path = write_manifest(
        pipeline=("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"),
        render=("height: 16, width: 16", "image: dog.png"),
    )
    code, _, err = farm("submit", path, "--address", "http://head:8265")
    assert code == 2
    assert f"render.image: there is no file {tmp_path}/dog.png" in err
    assert not hasattr(client, "submitted")
