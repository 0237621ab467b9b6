from __future__ import annotations

import math

import pytest

from farm.errors import ManifestError
from farm.manifest.location import Location
from farm.manifest.yaml_reader import Tree, plain_scalar, read_tree


def _locate(line: int, column: int) -> Location:
    return Location(0, line, column, "m.yaml")


def _read(text: str) -> Tree:
    tree, problems = read_tree(text, _locate)
    assert not problems
    return tree


def _refusal(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        read_tree(text, _locate)
    return str(caught.value)


def _problems(text: str) -> list[str]:
    return [str(problem) for _, problem in read_tree(text, _locate)[1]]


def test_a_field_is_located_at_its_key_and_an_item_at_its_start() -> None:
    tree = _read("a:\n  b: 1\n  c: [x, y]\n")
    assert str(tree.nearest(("a", "c"))[0]) == "m.yaml:3:3"
    assert str(tree.nearest(("a", "c", 1))[0]) == "m.yaml:3:10"


def test_columns_count_characters_and_not_bytes() -> None:
    tree = _read("{é: 1, 😀: 2, z: 3}")
    assert str(tree.nearest(("z",))[0]) == "m.yaml:1:14"


def test_quoted_scalars_are_strings() -> None:
    assert _read("{a: '12', b: \"true\", c: 12}").value == {"a": "12", "b": "true", "c": 12}


def test_a_merged_value_is_located_where_it_is_written() -> None:
    tree = _read("base: &base\n  x: 1\n  y: 2\nderived:\n  <<: *base\n  y: 3\n")
    assert tree.value == {"base": {"x": 1, "y": 2}, "derived": {"x": 1, "y": 3}}
    assert str(tree.nearest(("derived", "x"))[0]) == "m.yaml:2:3"
    assert str(tree.nearest(("derived", "y"))[0]) == "m.yaml:6:3"


def test_of_several_merged_maps_the_first_wins() -> None:
    assert _read("{a: &a {x: 1}, b: &b {x: 2, y: 2}, c: {<<: [*a, *b]}}").value["c"] == {"x": 1, "y": 2}  # type: ignore[index]


def test_a_quoted_merge_key_is_a_key() -> None:
    assert _read("{'<<': 1}").value == {"<<": 1}


def test_a_duplicate_key_is_reported_with_the_line_of_the_first() -> None:
    assert _problems("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        "m.yaml:4:3: b.c: already written on line 3; allowed: each key once.",
        "m.yaml:5:1: a: already written on line 1; allowed: each key once.",
    ]


def test_one_frame_written_in_two_ways_is_a_duplicate() -> None:
    assert _problems("{16: a, 0x10: b}") == [
        "m.yaml:1:9: [16]: already written on line 1; allowed: each key once."
    ]


@pytest.mark.parametrize(
    ("key", "shown"),
    [("true", "true"), ("1.5", "1.5"), ("~", "~"), ("[1, 2]", "a list"), ("{a: b}", "a map")],
)
def test_keys_are_names_or_whole_numbers(key: str, shown: str) -> None:
    assert _problems(f"? {key}\n: x\n") == [
        f"m.yaml:1:3: {shown} as a key; allowed: names and frame numbers."
    ]


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert _refusal("\n".join(lines)) == (
        "m.yaml:6:5: more than 200000 values with all aliases expanded; allowed: up to 200000."
    )


def test_an_alias_within_its_own_anchor_is_refused() -> None:
    assert _refusal("a: &a\n  - *a\n") == (
        "m.yaml:1:4: an alias inside its own anchor; allowed: aliases after the end of their anchor."
    )


@pytest.mark.parametrize("text", ["[" * 100_000, "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))])
def test_deep_nesting_is_refused(text: str) -> None:
    text = text.replace("*a0", "x")
    assert _refusal(text).endswith("more than 32 levels of nesting; allowed: up to 32.")


def test_tags_are_refused() -> None:
    assert _refusal("a: 1\nb: !!python/object:os.system x\n") == (
        "m.yaml:2:4: the tag tag:yaml.org,2002:python/object:os.system; allowed: YAML without tags. "
        "Remove the tag."
    )


def test_a_second_document_is_refused() -> None:
    assert _refusal("a: 1\n---\nb: 2\n") == "m.yaml:2:1: a second document; allowed: one manifest per file."


def test_a_syntax_error_is_reported_with_its_location_and_a_remedy() -> None:
    assert _refusal("prompt: A dog: the movie\n") == (
        "m.yaml:1:14: not valid YAML: mapping values are not allowed in this context; allowed: one YAML document. "
        "Put text that contains ': ' in quotes."
    )


def test_an_unprintable_character_is_reported_with_its_location() -> None:
    assert _refusal("a: 1\nb: x\x07y\n") == (
        "m.yaml:2:5: the character U+0007; allowed: printable characters; in double quotes, write it as an escape."
    )


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "off", "y", "1_000", "12:30:45", "2001-01-01", "0b1", "="]
)
def test_values_special_only_in_yaml_1_1_remain_strings(text: str) -> None:
    assert plain_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e5", 1e5),
        ("12", 12),
        ("-0", 0),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        (".5", 0.5),
        ("5.", 5.0),
        ("1E-3", 0.001),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("-.INF", -math.inf),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_a_number_too_long_for_any_field_remains_a_string() -> None:
    assert plain_scalar("9" * 5000) == "9" * 5000
