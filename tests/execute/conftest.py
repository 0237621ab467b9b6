import pytest

from farm.execute.dispatcher import Dispatcher
from farm.execute.policy import Policy


@pytest.fixture
def open_dispatcher():
    def build(cut, *workers, committed=lambda shard, worker: {}):
        dispatcher = Dispatcher(cut, Policy(), committed=committed)
        for worker in workers:
            dispatcher.join(worker)
        return dispatcher

    return build
