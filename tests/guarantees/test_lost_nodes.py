"""A cluster that loses a machine during a render, and gets another one."""

import logging

import pytest

from farm.events import ShardRetried, WorkerLost, WorkerStarted
from tests.guarantees import diary as diary_module
from tests.guarantees import faults as faults_module
from tests.guarantees.faults import Await, From, OnceThereAre
from tests.guarantees.undisturbed import assert_undisturbed

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def cluster(shared_ray):
    """A head and another node on this machine, with a CPU each."""
    import ray
    from ray.cluster_utils import Cluster

    shared_ray.close()
    for module in (diary_module, faults_module):
        ray.cloudpickle.register_pickle_by_value(module)
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    cluster.second = cluster.add_node(**node)
    cluster.add_third = lambda: cluster.add_node(**node)
    ray.init(address=cluster.address, namespace="farm", log_to_driver=False, logging_level=logging.ERROR)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def local_ray(cluster):
    """Replaces the Ray of the other modules."""
    return cluster


def test_a_lost_node_costs_no_frame_and_a_new_node_gets_work(cluster, film, render_on_ray, diary, tmp_path):
    job, gate, nodes = film(frames=60), tmp_path / "gate", {"second": cluster.second}

    def nodes_that_drew():
        return {action.node for action in diary.actions("drew")}

    def disturb(event):
        if "second" in nodes and cluster.second.node_id in nodes_that_drew():
            cluster.remove_node(nodes.pop("second"), allow_graceful=False)
        elif isinstance(event, WorkerLost):
            nodes["third"] = cluster.add_third()
        elif isinstance(event, WorkerStarted) and "third" in nodes:
            gate.touch()

    work_for_the_third = From(30, Await(gate))
    ran = render_on_ray(job, OnceThereAre(2, work_for_the_third), on_event=disturb)

    assert_undisturbed(job, ran.code, diary=diary)
    [lost] = ran.events_of(WorkerLost)
    assert lost.reason in ("its machine left the cluster", "it is unreachable")  # which Ray sees first
    assert len(ran.events_of(ShardRetried)) <= 1
    assert nodes["third"].node_id in nodes_that_drew()
    assert len(nodes_that_drew()) == 3
