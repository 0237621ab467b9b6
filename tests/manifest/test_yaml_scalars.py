from __future__ import annotations

import math

import pytest

from farm.manifest.reading.yaml_scalars import plain_scalar


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "off", "y", "1_000", "12:30:45", "2001-01-01", "0b1", "="]
)
def test_what_only_yaml_1_1_reads_as_something_else_stays_a_text(text: str) -> None:
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
def test_scalars_mean_what_the_core_schema_says(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_a_number_too_long_for_any_field_stays_a_text() -> None:
    assert plain_scalar("9" * 5000) == "9" * 5000
