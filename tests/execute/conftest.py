import pytest

from farm.execute.dispatcher import Dispatcher
from farm.execute.retry_policy import RetryPolicy


@pytest.fixture
def open_dispatcher():
    def build(cut, *workers, committed_chunks=lambda shard, worker: {}):
        dispatcher = Dispatcher(cut, RetryPolicy(), committed_chunks=committed_chunks)
        for worker in workers:
            dispatcher.add_worker(worker)
        return dispatcher

    return build
