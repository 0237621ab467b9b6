import os
import signal

import pytest

from farm.errors import ClusterError, FarmError, ModelError
from farm.execute import InlineExecutor
from tests.execute import test_aside
from tests.local_ray import started_ray


def double(number):
    return 2 * number


def fail(error):
    raise error


def process():
    return os.getpid()


def die_once(path):
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_in_this_process_functions_are_called_where_they_are():
    with InlineExecutor() as executor:
        assert executor.aside(double, 3) == 6
        assert executor.aside(process) == os.getpid()


@pytest.fixture(scope="module")
def local_ray():
    with started_ray(2, test_aside) as ray:
        yield ray


@pytest.fixture
def aside(local_ray):
    from farm.execute.ray_executor import RayExecutor

    with RayExecutor(workers=2) as executor:
        yield executor.aside


@pytest.mark.ray
def test_on_ray_functions_are_called_in_one_process_of_their_own(aside):
    assert aside.at_once == 1
    assert aside(double, 3) == 6
    assert aside(process) == aside(process) != os.getpid()


@pytest.mark.ray
def test_no_worker_loses_its_core_to_it(aside, local_ray):
    aside(process)
    assert local_ray.available_resources()["CPU"] == 2


@pytest.mark.ray
def test_errors_come_back_as_they_are(aside):
    with pytest.raises(ModelError, match="^no such judge$"):
        aside(fail, ModelError("no such judge"))
    with pytest.raises(FarmError, match="^ValueError: a slip$"):
        aside(fail, ValueError("a slip"))


@pytest.mark.ray
def test_a_process_that_dies_is_started_again_but_not_for_ever(aside, tmp_path):
    assert aside(die_once, tmp_path / "died") == "alive"
    with pytest.raises(ClusterError, match="^what measures frames beside the workers died: "):
        aside(die)
