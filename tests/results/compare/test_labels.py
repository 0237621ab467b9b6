import pytest

from farm.errors import UsageError
from farm.results.compare import beside, told_apart


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
def test_two_folders_are_called_by_as_little_as_tells_them_apart(first, second, labels):
    assert told_apart(first, second) == labels


def test_a_folder_is_not_compared_with_itself():
    with pytest.raises(UsageError, match="^/out/demo: is given twice; give the folders of two jobs.$"):
        told_apart("/out/demo", "/out/demo")


def test_results_go_beside_the_first_job():
    assert beside("/out/lcm", "s3://bucket/ddim") == "/out/lcm-vs-ddim"
    assert beside("s3://bucket/a", "/b") == "s3://bucket/a-vs-b"
