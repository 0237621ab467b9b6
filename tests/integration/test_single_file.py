"""A single file in the original layout through the command line, its configuration in the hub cache."""

import shutil

import pyarrow.parquet as pq

from tests.checkpoints.hub_cache import fill_cache
from tests.integration.test_hub import farm
from tests.ldm_layout import save_as_single_file

MANIFEST = """
version: 1
name: {name}
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}{config}}}
animation: {{kind: stills, prompts: [a red star, a blue heart]}}
render: {{num_inference_steps: 2}}
"""


def test_a_single_file_renders_the_frames_of_its_folder(tiny_sd, tmp_path):
    save_as_single_file(tiny_sd, tmp_path / "tiny.safetensors")
    configuration = tmp_path / "configuration"
    shutil.copytree(tiny_sd, configuration, ignore=shutil.ignore_patterns("*.safetensors"))
    commit = fill_cache(tmp_path / "hub", "studio/tiny", configuration)
    config = f", config: {{pretrained: studio/tiny, revision: {commit}}}"
    models = {"file": ("./tiny.safetensors", config), "folder": (tiny_sd, "")}
    for name, (pretrained, config) in models.items():
        text = MANIFEST.format(name=name, pretrained=pretrained, config=config)
        (tmp_path / f"{name}.yaml").write_text(text)
    done = farm(
        "render", "file.yaml", "folder.yaml", "--inline", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "hub")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {name: pq.read_table(tmp_path / "out" / name / "metadata.parquet").to_pylist() for name in models}
    for column in ("content_sha256", "environment", "scheduler"):
        assert [row[column] for row in rows["file"]] == [row[column] for row in rows["folder"]]
    assert len({row["content_sha256"] for row in rows["file"]}) == 2
