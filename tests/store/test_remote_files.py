"""Against moto's S3 behind a proxy that injects faults."""

import threading

import pytest

from farm.errors import StorageError
from farm.store import JobFolder, retries
from tests.s3 import BUCKET, FAULTS, INTERNAL_ERROR, LOST_ANSWER, RESET, SLOW_DOWN, faulty_store

URL = f"s3://{BUCKET}/job"


@pytest.fixture
def store(monkeypatch):
    with faulty_store(monkeypatch) as store:
        yield store


@pytest.fixture
def folder(store):
    return JobFolder(URL)


class Next:
    """Injects these faults into the next requests of one method, one each."""

    def __init__(self, method, *faults):
        self.method = method
        self.faults = list(faults)

    def __call__(self, method, path):
        return self.faults.pop(0) if self.faults and method == self.method else None


def test_files_are_written_read_listed_and_removed(folder):
    folder.write("frames/a.png", b"one")
    folder.write("frames/a.png", b"three")
    with folder.writing("film.gif") as path:
        path.write_bytes(b"film")
    assert (folder.read("frames/a.png"), folder.read("film.gif")) == (b"three", b"film")
    assert folder.find("nothing") is None
    assert (folder.names("frames"), folder.names("nowhere")) == (["a.png"], [])
    folder.remove("frames/a.png")
    folder.remove("frames/a.png")
    assert not folder.exists("frames/a.png")
    assert folder.exists("film.gif")


def test_a_frame_is_one_request_to_write_and_one_to_read(store, folder):
    folder.write("a", b"1")
    folder.read("a")
    assert [method for method, _ in store.done] == ["PUT", "GET"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_transient_fault_is_retried(store, folder, fault):
    folder.write("a", b"former")
    store.next_fault = Next("PUT", fault, fault, fault)
    folder.write("a", b"1")
    store.next_fault = Next("GET", fault, fault, fault)
    assert folder.read("a") == b"1"
    assert len(store.faults) == 6


def test_creating_is_one_conditional_request(store, folder):
    assert folder.compare_and_swap("claim", None, b"mine")
    assert store.done == [("PUT", f"/{BUCKET}/job/claim")]
    assert not folder.compare_and_swap("claim", None, b"another's")
    assert folder.read("claim") == b"mine"


def test_replacing_and_removing_require_the_expected_content(folder):
    folder.write("claim", b"mine")
    assert not folder.compare_and_swap("claim", b"older", b"new")
    assert not folder.compare_and_swap("claim", b"older", None)
    assert folder.compare_and_swap("claim", b"mine", b"renewed")
    assert folder.read("claim") == b"renewed"
    assert folder.compare_and_swap("claim", b"renewed", None)
    assert folder.find("claim") is None
    assert not folder.compare_and_swap("claim", b"renewed", b"again")


def test_a_write_between_the_comparison_and_the_put_is_not_overwritten(store, folder):
    folder.write("claim", b"stale")
    other = JobFolder(URL)

    def interfere(method, path):
        if method == "PUT" and not interfere.done:
            interfere.done = True
            other.write("claim", b"another's")

    interfere.done = False
    store.next_fault = interfere
    assert not folder.compare_and_swap("claim", b"stale", b"mine")
    assert folder.read("claim") == b"another's"


@pytest.mark.parametrize("old", [None, b"stale"])
def test_a_swap_whose_answer_was_lost_is_recognized_as_a_success(store, folder, old):
    if old:
        folder.write("claim", old)
    store.next_fault = Next("PUT", LOST_ANSWER, LOST_ANSWER, RESET)
    assert folder.compare_and_swap("claim", old, b"mine")
    assert folder.read("claim") == b"mine"
    assert store.faults[0][0] == LOST_ANSWER


def test_a_removal_whose_answer_was_lost_is_recognized_as_a_success(store, folder):
    folder.write("claim", b"mine")
    store.next_fault = Next("DELETE", LOST_ANSWER)
    assert folder.compare_and_swap("claim", b"mine", None)
    assert folder.find("claim") is None


def test_of_many_simultaneous_swaps_one_succeeds(store):
    folders = [JobFolder(URL) for _ in range(4)]
    store.fail_at_random(0.1, seed=4)
    for turn in range(5):
        folders[0].write("claim", b"stale %d" % turn)
        took = [False] * 4
        gate = threading.Barrier(4)

        def race(number, turn=turn, took=took, gate=gate):
            gate.wait()
            took[number] = folders[number].compare_and_swap(
                "claim", b"stale %d" % turn, b"%d in %d" % (number, turn)
            )

        racers = [threading.Thread(target=race, args=(number,)) for number in range(4)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert took.count(True) == 1
        assert folders[0].read("claim") == b"%d in %d" % (took.index(True), turn)


def test_a_store_that_stays_down_is_reported_after_a_bounded_time_and_then_at_once(
    store, folder, monkeypatch
):
    monkeypatch.setattr(retries, "_RETRY_SECONDS", 2.0)
    store.next_fault = lambda method, path: INTERNAL_ERROR
    with pytest.raises(StorageError) as raised:
        folder.write("frames/a.png", b"1")
    assert str(raised.value) == (
        f"{URL}/frames/a.png: cannot write: InternalError. "
        "Finished frames are kept; run again when the store is available."
    )
    tried = len(store.faults)
    assert tried > 1  # a busy machine may try only twice in these seconds
    with pytest.raises(StorageError):
        folder.write("frames/b.png", b"1")
    assert len(store.faults) - tried == 2
    store.heal()
    folder.write("frames/b.png", b"1")


def test_an_unreachable_store_is_reported(monkeypatch):
    monkeypatch.setattr(retries, "_RETRY_SECONDS", 0.5)
    with faulty_store(monkeypatch) as store:
        url = store.url
    with pytest.raises(StorageError) as raised:
        JobFolder(URL).read("a")
    assert str(raised.value) == (
        f'{URL}/a: cannot read: Could not connect to the endpoint URL: "{url}/{BUCKET}/job/a". '
        "Finished frames are kept; run again when the store is available."
    )


def test_a_permanent_fault_is_reported_at_once(store, folder):
    store.next_fault = lambda method, path: "403 AccessDenied" if "secret" in path else None
    with pytest.raises(StorageError) as refused:
        folder.write("secret", b"1")
    assert str(refused.value) == (
        f"{URL}/secret: cannot write: AccessDenied. Check the credentials and their permissions."
    )
    with pytest.raises(StorageError) as missing:
        folder.read("a")
    assert str(missing.value) == f"{URL}/a: cannot read: The specified key does not exist."
    assert [(method, path) for _, method, path in store.faults] == [("PUT", f"/{BUCKET}/job/secret")]


def test_a_missing_bucket_is_reported(store):
    with pytest.raises(StorageError) as raised:
        JobFolder("s3://nowhere/job").compare_and_swap("claim", None, b"mine")
    assert str(raised.value) == ("s3://nowhere/job/claim: cannot write: The specified bucket does not exist.")


def test_missing_credentials_are_reported(store, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StorageError) as raised:
        JobFolder(URL).read("a")
    assert str(raised.value) == (
        f"{URL}/a: cannot read: Unable to locate credentials. Check the credentials and their permissions."
    )


def test_throttled_requests_are_retried(store, folder):
    store.next_fault = Next("GET", *[SLOW_DOWN] * 8)
    folder.write("a", b"1")
    assert folder.read("a") == b"1"
