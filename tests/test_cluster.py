"""The files that start and use a cluster."""

import json
import os
import re
import shutil
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


def cluster():
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


def nodes():
    return [kind["node_config"] for kind in cluster()["available_node_types"].values()]


def test_the_files_copied_to_a_cluster_are_the_installation_sources_and_the_token():
    mounts = {Path(target): source for target, source in cluster()["file_mounts"].items()}
    assert mounts.pop(Path("/home/ubuntu/.ray/auth_token")) == ".ray-token"
    assert {target.relative_to("/home/ubuntu/farm"): Path(source) for target, source in mounts.items()} == {
        Path(source): Path(source) for source in mounts.values()
    }
    tracked = subprocess.check_output(["git", "ls-files", *mounts.values()], cwd=ROOT, text=True).split()
    assert {
        source for source in mounts.values() for name in tracked if f"{name}/".startswith(f"{source}/")
    } == set(mounts.values())


def test_the_files_copied_to_a_cluster_suffice_to_install_and_render(tmp_path):
    sources = [source for source in cluster()["file_mounts"].values() if source != ".ray-token"]
    (tmp_path / "deploy").mkdir()
    for source in sources:
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / source)
    subprocess.run(["make", "--dry-run", ".venv/ready"], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-P", "jobs/render.py", str(ROOT / "manifests" / "demo-stills.yaml"), "--inline",
         "--procedural", "--output-dir=out"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "demo-stills: done" in done.stdout


def test_the_token_is_readable_only_by_its_owner_and_in_no_command():
    config = cluster()
    commands = [line for key, lines in config.items() if key.endswith("commands") for line in lines]
    assert config["setup_commands"][0] == "chmod 700 ~/.ray && chmod 600 ~/.ray/auth_token"
    assert not any("TOKEN" in line for line in commands)
    started = [line for line in commands if "ray start" in line]
    assert len(started) == 2
    assert all("export RAY_AUTH_MODE=token;" in line for line in started)
    documentation = (ROOT / "docs" / "cluster.md").read_text()
    assert "(umask 077; openssl rand -hex 32 > .ray-token)" in documentation
    assert ".ray-token" in (ROOT / ".gitignore").read_text().split()


def test_the_dashboard_of_cluster_yaml_listens_on_loopback():
    assert "--dashboard-host=127.0.0.1" in cluster()["head_start_ray_commands"][1]
    assert "0.0.0.0" not in (ROOT / "cluster.yaml").read_text()


def test_ec2_accepts_the_nodes_of_cluster_yaml_with_least_privilege_and_a_protected_metadata_service(
    monkeypatch,
):
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        iam = boto3.client("iam", "eu-central-1")
        ec2 = boto3.client("ec2", "eu-central-1")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        for node in nodes():
            iam.create_instance_profile(InstanceProfileName=node["IamInstanceProfile"]["Name"])
            instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **node)["Instances"][0]
            assert instance["IamInstanceProfile"]["Arn"].endswith(node["IamInstanceProfile"]["Name"])
            assert node["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
            assert all(disk["Ebs"]["Encrypted"] for disk in node["BlockDeviceMappings"])


def test_the_documented_policies_name_one_bucket_and_one_cluster():
    documentation = (ROOT / "docs" / "cluster.md").read_text()
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", documentation, re.DOTALL)]
    assert len(policies) == 2
    for statement in (statement for policy in policies for statement in policy["Statement"]):
        actions = statement["Action"]
        assert not any("*" in action for action in actions)
        changes = [action for action in actions if ":Describe" not in action]
        assert (
            not changes
            or statement["Resource"] != "*"
            or "Condition" in statement
            or changes == ["ec2:RunInstances"]
        )


@pytest.mark.parametrize(
    ("job", "arguments", "expected"),
    [
        ("render", ["manifests/demo-stills.yaml", "--inline", "--procedural"], "demo-stills: done"),
        ("nightly", ["{night}", "--inline", "--procedural"], "seasons.yaml  done"),
    ],
)
def test_the_cluster_entry_points_accept_the_arguments_of_the_command_line(
    job, arguments, expected, tmp_path
):
    night = tmp_path / "night"
    night.mkdir()
    shutil.copy(ROOT / "manifests" / "nightly" / "seasons.yaml", night)
    arguments = [argument.format(night=night) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-P", f"jobs/{job}.py", *arguments, f"--output-dir={tmp_path / 'out'}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
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
