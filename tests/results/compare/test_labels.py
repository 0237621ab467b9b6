import pytest

from farm.errors import UsageError
from farm.results.compare import default_folder, distinct_labels


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ("/out/lcm", "/out/ddim", ("lcm", "ddim")),
        ("/one/demo", "/two/demo", ("one/demo", "two/demo")),
        ("/out/demo", "/out/old/demo", ("out/demo", "old/demo")),
        ("s3://a/x/demo", "s3://b/x/demo", ("a/x/demo", "b/x/demo")),
        ("/demo", "/out/demo", ("/demo", "out/demo")),
    ],
)
def test_labels_are_the_shortest_distinct_suffixes(first, second, labels):
    assert distinct_labels(first, second) == labels


def test_a_folder_is_not_compared_with_itself():
    with pytest.raises(UsageError, match="^/out/demo: given twice; needed: the folders of two jobs.$"):
        distinct_labels("/out/demo", "/out/demo")


def test_the_default_folder_is_next_to_the_first_job():
    assert default_folder("/out/lcm", "s3://bucket/ddim") == "/out/lcm-vs-ddim"
    assert default_folder("s3://bucket/a", "/b") == "s3://bucket/a-vs-b"
