"""What a cluster is started and used with."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent


def test_cluster_yaml_passes_rays_own_schema():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    validate_config(prepare_config(config))
    with pytest.raises(Exception, match="max_wrokers"):
        validate_config(prepare_config(config | {"max_wrokers": 3}))


def test_the_head_of_cluster_yaml_renders_nothing():
    nodes = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    assert nodes["available_node_types"][nodes["head_node_type"]]["resources"] == {"CPU": 0}


@pytest.mark.parametrize(
    ("job", "arguments", "expected"),
    [
        ("render", ["manifests/demo-stills.yaml", "--inline", "--procedural"], "demo-stills: done"),
        ("nightly", ["manifests/nightly", "--inline", "--procedural"], "seasons.yaml        done"),
    ],
)
def test_the_cluster_entry_points_take_what_the_command_line_takes(job, arguments, expected, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", f"jobs.{job}", *arguments, f"--output-dir={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    assert all(
        len((ROOT / "jobs" / f"{name}.py").read_text().splitlines()) < 60 for name in ("render", "nightly")
    )
