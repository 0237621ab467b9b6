"""The procedural renderer has the size of the frames, determined without the model's weights."""

import numpy as np
import pytest
import yaml
from PIL import Image

from farm.execute import InlineExecutor
from farm.inputs.absolute_paths import by_absolute_paths
from farm.inputs.pictures.find import find_pictures
from farm.inputs.procedural import procedural_renderer
from farm.rules.load import load
from farm.run import prepare, render
from tests.checkpoints.ways import ONE_OF_EACH_FAMILY, WAYS
from tests.exhaustive import sample
from tests.results.verify.verifying import quiet

SIZES = ("height", "width")
COMPARED = [name for name, way in WAYS.items() if way.pipeline not in ("SanaPipeline", "ZImagePipeline")]
"""Those two render 1024 x 1024 whatever their autoencoder: a tiny checkpoint takes minutes, or has another size."""


def write(folder, way, **render_section):
    nets = [{"pretrained": str(save(folder / "net")), "subfolder": ""} for save in way.nets]
    for name in way.pictures:
        noise = np.random.default_rng(0).integers(0, 256, (37, 29, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    call = {name: value for name, value in way.call.items() if name not in SIZES}
    path = folder / "job.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "name": "job",
                "model": {"pipeline": way.pipeline, "pretrained": str(way.save(folder / "model"))}
                | ({"controlnets": nets} if nets else {}),
                "animation": {"kind": "stills", "prompts": ["a red star"]},
                "render": {"num_inference_steps": 2}
                | call
                | {name: f"{name}.png" for name in way.pictures}
                | render_section,
            }
        )
    )
    return path


def procedural_size(path):
    document = load(path)
    spec = procedural_renderer(document, by_absolute_paths(document, find_pictures(document)))
    return spec.width, spec.height


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(COMPARED, of=set(COMPARED) & set(ONE_OF_EACH_FAMILY)))
def test_it_has_the_size_of_the_frames(tmp_path, name):
    path = write(tmp_path, WAYS[name])
    with InlineExecutor() as executor:
        [summary] = render([prepare(path, output_dir=str(tmp_path))], executor, quiet)
    assert summary.state == "done", summary.failures
    with Image.open(tmp_path / "job" / "frames" / "frame000000.png") as frame:
        assert procedural_size(path) == frame.size


def test_it_has_the_size_of_the_canvas(tmp_path):
    path = write(tmp_path, WAYS["inpainting"], mask_image=None, expand={"left": 3, "top": 11})
    assert procedural_size(path) == (32, 48)


def test_it_has_the_size_in_the_manifest(tmp_path):
    assert procedural_size(write(tmp_path, WAYS["inpainting"], width=64)) == (64, 16)


def test_it_has_a_default_size_for_a_missing_checkpoint(tmp_path):
    path = write(tmp_path, WAYS["image to image"])
    absent = yaml.safe_load(path.read_text())
    for pretrained in ("nobody/nothing", "~nobody/nothing", "a--b/c", "n" * 300):
        absent["model"] = {
            "pipeline": "StableDiffusionPipeline",
            "pretrained": pretrained,
            "revision": "0" * 40,
        }
        path.write_text(yaml.safe_dump(absent | {"render": {}}))
        assert procedural_size(path) == (64, 64)
