"""Requirements on any Ray."""

import pytest

from farm.errors import ClusterError
from farm.execute.ray.security import refuse_old_ray, warn_of_no_token


@pytest.mark.parametrize("version", ["2.54.0", "2.60.0", "3.0.0.dev0", "2.100.1"])
def test_a_supported_ray_is_accepted(version):
    refuse_old_ray(version, "here")


@pytest.mark.parametrize("version", ["2.53.0", "2.9.3", "1.13.0", "2.49.2", ""])
def test_an_older_ray_is_refused_with_the_reason_and_the_version_to_install(version):
    with pytest.raises(ClusterError) as refused:
        refuse_old_ray(version, "http://head:8265")
    assert str(refused.value) == (
        f"http://head:8265: Ray {version} is too old; required: 2.54 or newer. Below 2.52 it ignores "
        "RAY_AUTH_MODE=token, and below 2.54 it has known remote code execution vulnerabilities. Install the version "
        "in the farm's deploy/runtime.lock."
    )


def test_every_session_refuses_an_older_ray(monkeypatch):
    import ray

    from farm.execute.ray.session import RaySession

    monkeypatch.setattr(ray, "__version__", "2.53.0")
    with pytest.raises(ClusterError, match="this environment: Ray 2.53.0 is too old"):
        RaySession(address=None, workers=1)


def test_every_dashboard_client_refuses_an_older_ray_and_warns_of_an_open_cluster(monkeypatch, caplog):
    from farm.execute.ray import jobs_client

    class Client:
        _server_ray_version = "2.53.0"

        def __init__(self, address, headers):
            pass

    monkeypatch.setattr(jobs_client, "JobSubmissionClient", Client)
    with pytest.raises(ClusterError, match="http://head:8265: Ray 2.53.0 is too old"):
        jobs_client.JobsClient("http://head:8265")
    monkeypatch.setattr(Client, "_server_ray_version", "2.54.0")
    monkeypatch.setattr(jobs_client, "_requires_no_token", lambda address: True)
    jobs_client.JobsClient("http://head:8265")
    assert caplog.messages == [
        "http://head:8265: this cluster requires no token, so anyone who can reach it can run code on it. Start it "
        "with RAY_AUTH_MODE=token, as described in docs/cluster.md."
    ]


def test_an_open_cluster_causes_a_warning(caplog):
    warn_of_no_token("--address auto")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
