import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.records import FrameRow, Values
from farm.reduce import Summary
from farm.typed_json import MAX_BYTES, Malformed, Within, parse
from tests.rows import row_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    first: Annotated[int, Within(0, 10)]
    last: int = 7

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("its end comes before its start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    name: str
    share: float
    state: Literal["done", "failed"] = "done"
    note: str | None = None
    parts: tuple[Part, ...] = ()
    pair: tuple[str, int] = ("", 0)
    values: Values = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


def nested(depth: int) -> dict:
    """Return an object nested in `depth` others."""
    return {"0": nested(depth - 1)} if depth else {}


def refusal(data: bytes | str, kind=Record) -> str:
    with pytest.raises(Malformed) as refused:
        parse(data.encode() if isinstance(data, str) else data, kind)
    return str(refused.value)


def test_a_record_is_read_by_its_annotations():
    text = (
        '{"name": "dög", "share": 1, "note": null, "parts": [{"first": 3}], "pair": ["a", 2],'
        ' "values": {"a": 1, "b": 1.5, "c": true, "d": "x", "e": null}, "facts": {"deep": [1, {"a": []}]}}'
    )
    record = parse(text.encode(), Record)
    assert record == Record(
        name="dög",
        share=1.0,
        parts=(Part(first=3),),
        pair=("a", 2),
        values={"a": 1, "b": 1.5, "c": True, "d": "x", "e": None},
        facts={"deep": [1, {"a": []}]},
    )
    assert [type(value) for value in record.values.values()] == [int, float, bool, str, type(None)]


def test_fields_added_by_a_newer_version_are_ignored():
    assert parse(b'{"name": "a", "share": 0.5, "new": [[]]}', Record) == Record(name="a", share=0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name: found an integer, needed a string"),
        ({"name": None}, "name: found null, needed a string"),
        ({"share": True}, "share: found true, needed a finite number"),
        ({"share": "1"}, "share: found a string, needed a finite number"),
        ({"share": 10**30}, "share: found an integer of more than 64 bits"),
        ({"state": "DONE"}, "state: found a string, needed one of done, failed"),
        ({"note": 1.5}, "note: found a decimal number, needed a string or null"),
        ({"parts": {}}, "parts: found an object, needed a list"),
        ({"parts": [{"first": 1}, {"first": 1.0}]}, "parts.1.first: found a decimal number, needed an integer"),
        ({"parts": [{"first": 11}]}, "parts.0.first: found a number outside 0 to 10"),
        ({"parts": [{"first": False}]}, "parts.0.first: found false, needed an integer"),
        ({"parts": [{"first": 9}]}, "parts.0: its end comes before its start"),
        ({"parts": [{"last": 9}]}, "parts.0.first: it is missing"),
        ({"pair": ["a"]}, "pair: found a list, needed a list of 2"),
        ({"values": {"a": []}}, "values.a: found a list, needed a finite number or an integer or a string or "
         "true or false or null"),
        ({"facts": {"a": 10**30}}, "facts.a: found an integer of more than 64 bits"),
        ({"facts": {"x" * 100: {"\x1b[2J": 10**30}}}, f"facts.{'x' * 40}.\\x1b[2J: found an integer of more "
         "than 64 bits"),
    ],
)  # fmt: skip
def test_a_mismatch_is_reported_with_its_path_and_without_its_value(changes, message):
    assert refusal(json.dumps({"name": "a", "share": 0.5} | changes)) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "found a list, needed an object"),
        ("", "it is not JSON in UTF-8: Expecting value: line 1 column 1 (char 0)"),
        ('{"name": "a", "share": NaN}', "found NaN or Infinity, which are not JSON"),
        ('{"name": "a", "share": -Infinity}', "found NaN or Infinity, which are not JSON"),
        ('{"name": "a", "share": 1e999}', "share: found a decimal number, needed a finite number"),
        ('{"name": "a", "share": 1, "share": 2}', "an object has a duplicate key"),
        ('{"name": "\\ud800", "share": 1}', "name: found a string with half of a surrogate pair"),
        ("[" * 100_000, "it is nested too deeply"),
        (json.dumps({"name": "", "share": 1, "facts": nested(40)}), f"facts.{'0.' * 33}0: it is nested too deeply"),
    ],
)  # fmt: skip
def test_anything_but_strict_json_is_refused(text, message):
    assert refusal(text) == message


def test_a_document_in_another_encoding_is_refused():
    assert refusal('{"name": "é", "share": 1}'.encode("latin-1")).startswith("it is not JSON in UTF-8: ")
    assert refusal('{"name": "a", "share": 1}'.encode("utf-16")).startswith("it is not JSON in UTF-8: ")


def test_a_document_of_too_many_bytes_is_not_parsed():
    assert refusal(b" " * (MAX_BYTES + 1)) == f"it has {MAX_BYTES + 1} bytes, at most {MAX_BYTES} are allowed"


def test_a_ledger_row_is_read_as_it_was_written():
    row = row_of(3, environment='{"torch": "2.10"}', render_seconds=0.1 + 0.2)
    assert parse(json.dumps(asdict(row)).encode(), FrameRow) == row


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["name", "frames", "first", "x"]), inner)
        ),
    ).map(lambda content: json.dumps(content).encode())
    | st.binary()
)
def test_any_bytes_give_a_record_or_a_refusal(data):
    for kind in (Summary, FrameRow, Record, Mapping[str, object]):
        with contextlib.suppress(Malformed):
            assert parse(data, kind) is not None


def test_a_document_of_too_many_lists_and_objects_is_not_parsed():
    assert refusal("[" + "[]," * 250_000 + "[]]") == "it has more than 250000 lists and objects"


@pytest.mark.parametrize("item", ['"ab"', "1.5"])
def test_the_costliest_documents_take_less_than_500_mb(item):
    code = (
        "import resource, sys, farm.reduce, farm.typed_json as json\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "item, before = sys.argv[1].encode(), peak()\n"
        "many = b','.join([item] * (json.MAX_BYTES // (len(item) + 1) - 8))\n"
        "json.parse(b'{\"a\":[' + many + b']}', dict[str, object])\n"
        "print((peak() - before) // 1024)"
    )
    assert int(subprocess.check_output([sys.executable, "-c", code, item], text=True)) < 500
