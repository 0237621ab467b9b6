from farm.execute.dispatcher import Backlog, QueuedShard
from tests.execute.shards import shards


def indices(works):
    return [work.shard.chunks[0].index for work in works]


def test_untried_returned_shards_precede_failed_ones_and_both_precede_new_ones():
    first, second, third, fourth, *fresh = shards("f", per_shard=1, chunks=6)
    backlog = Backlog(fresh)
    backlog.put_last(QueuedShard(shard=third))
    backlog.put_last(QueuedShard(shard=fourth))
    backlog.put_first([QueuedShard(shard=first), QueuedShard(shard=second)])
    assert indices(iter(lambda: backlog.next_for("a", {"a"}), None)) == [0, 1, 2, 3, 4, 5]
    assert backlog.empty


def test_a_failed_shard_waits_for_other_workers_unless_all_have_failed_on_it():
    [shard] = shards("f", chunks=1)
    backlog = Backlog([])
    backlog.put_last(QueuedShard(shard=shard, failed_on=frozenset({"a"})))
    assert backlog.next_for("a", {"a", "b"}) is None
    assert not backlog.empty
    assert backlog.next_for("a", {"a"}) is not None


def test_a_worker_that_cannot_load_a_renderer_gets_none_of_its_shards_and_new_shards_are_kept():
    one, two = shards("f", per_shard=1, chunks=2)
    backlog = Backlog([one, two])
    backlog.exclude("a", one.renderer)
    assert backlog.next_for("a", {"a", "b"}) is None
    assert indices([backlog.next_for("b", {"a", "b"}), *backlog.drain()]) == [0, 1]
