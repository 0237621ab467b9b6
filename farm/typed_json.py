"""Records read from JSON that anybody may have written: exact types, finite numbers, bounded sizes, or nothing.

The counterpart of `farm.canonical`: from one text to one value. A record is a frozen dataclass, and its annotations are
the format: `str`, `int`, `float`, `bool`, `None`, `Literal`, unions of these, tuples, mappings, other records, and
`object` for any JSON. Keys that a record does not have are ignored, so that what a newer farm wrote stays readable.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union

from farm.errors import printable

MOST_BYTES = 16 * 2**20
"""Of one document, which as Python values takes up to twenty times as much."""
MOST_CONTAINERS = 250_000
"""Lists and objects of one document, each of which costs a hundred bytes, however few it is written in."""
MOST_DEPTH = 32
"""Of lists and objects in each other, where a record says `object`; elsewhere its own types end it."""
_INT64 = 2**63
_LONGEST_KEY = 40

_T = TypeVar("_T")
_Check = Callable[[Any], Any]


class Malformed(ValueError):
    """JSON that is not the record that it should be; the text says where, what was found and what is needed."""


@dataclass(frozen=True, slots=True)
class Within:
    """The least and the largest number of a field: `Annotated[int, Within(1, 256)]`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Satisfying:
    """A rule that a field's value must satisfy, and how it is named when it does not."""

    rule: Callable[[Any], bool]
    name: str


def read(data: bytes, kind: type[_T]) -> _T:
    """Return the record of this kind, or the value of this type, that a JSON document in UTF-8 holds.

    Whole numbers count as `float`s, and no other type counts as another: `true` is no number, `1.0` no whole number.
    Whole numbers are of 64 bits. No key may stand twice in an object.

    Raises:
        Malformed: whatever else `data` is.
    """
    if len(data) > MOST_BYTES:
        raise Malformed(f"it has {len(data)} bytes, allowed are {MOST_BYTES}")
    if data.count(b"[") + data.count(b"{") > MOST_CONTAINERS:  # in texts, too: no more than an estimate
        raise Malformed(f"it has more than {MOST_CONTAINERS} lists and objects")
    try:
        content = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"it is no JSON in UTF-8: {error}") from error
    try:
        checked: _T = _check(kind)(content)  # type: ignore[arg-type]  # whatever can be hashed is looked up
        return checked
    except _Misfit as misfit:
        raise Malformed(str(misfit)) from None


class _Misfit(Exception):
    """What does not fit, and where; containers add to the path on its way up."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []

    def __str__(self) -> str:
        return f"{'.'.join(reversed(self.path))}: {self.problem}" if self.path else self.problem

    def inside(self, key: object) -> _Misfit:
        """Add the key of the value that it was found in."""
        self.path.append(printable(str(key), keep="")[:_LONGEST_KEY])
        return self


def _unfit(value: object, needed: str) -> NoReturn:
    raise _Misfit(f"found {_named(value)}, needed {needed}")


def _named(value: object) -> str:
    """Return what a value is, and not the value: it may be long, or nobody's business."""
    match value:
        case None | True | False:
            return json.dumps(value)
        case int() | float():
            return "another number" if isinstance(value, float) else "a whole number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


@functools.cache
def _check(kind: Any) -> _Check:
    """Return what takes a JSON value, and returns it as a value of a type or raises `_Misfit`."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _list(arguments[0]) if arguments[1:] == (...,) else _tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping) and arguments[0] is str:
        return _mapping(arguments[1])
    raise TypeError(f"{kind} is not read from JSON")


def _int(value: Any) -> int:
    if type(value) is not int:
        _unfit(value, "a whole number")
    if not -_INT64 <= value < _INT64:
        raise _Misfit("found a whole number of more than 64 bits")
    return value


def _float(value: Any) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is not int:
        _unfit(value, "a finite number")
    return float(_int(value))


def _str(value: Any) -> str:
    if type(value) is not str:
        _unfit(value, "a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Misfit("found a text with half of a character") from None
    return value


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        _unfit(value, "true or false")
    return value


def _none(value: Any) -> None:
    if value is not None:
        _unfit(value, "null")


def _anything(value: Any, depth: int = 0) -> Any:
    if depth > MOST_DEPTH:
        raise _Misfit("it is nested too deeply")
    if isinstance(value, dict):
        for key in value:
            _str(key)
    elif not isinstance(value, list):
        return _SCALARS[type(value)](value)
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        try:
            _anything(item, depth + 1)
        except _Misfit as misfit:
            raise misfit.inside(key) from None
    return value


_SCALARS: dict[Any, _Check] = {
    **{int: _int, float: _float, str: _str, bool: _bool},
    **{type(None): _none, None: _none, object: _anything},
}


def _annotated(kind: Any, notes: tuple[object, ...]) -> _Check:
    check = _check(kind)
    for note in notes:
        if isinstance(note, Within):
            check = _within(check, note)
        elif isinstance(note, Satisfying):
            check = _satisfying(check, note)
    return check


def _within(check: _Check, bounds: Within) -> _Check:
    def checked(value: Any) -> Any:
        number = check(value)
        if not bounds.least <= number <= bounds.most:
            raise _Misfit(f"found a number outside of {bounds.least} to {bounds.most}")
        return number

    return checked


def _satisfying(check: _Check, wanted: Satisfying) -> _Check:
    def checked(value: Any) -> Any:
        found = check(value)
        if not wanted.rule(found):
            _unfit(value, wanted.name)
        return found

    return checked


def _literal(choices: tuple[object, ...]) -> _Check:
    def checked(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            _unfit(value, "one of " + ", ".join(map(str, choices)))
        return value

    return checked


def _union(kinds: tuple[Any, ...]) -> _Check:
    """Return the check of a union whose members JSON tells apart: of scalars, and of one other kind."""
    scalars = {kind: _SCALARS[kind] for kind in kinds if kind in _SCALARS}
    others = [_check(kind) for kind in kinds if kind not in scalars]
    if len(others) > 1:
        raise TypeError(f"{kinds} cannot be told apart in JSON")
    needed = " or ".join(_WORDS[kind] for kind in scalars)

    def checked(value: Any) -> Any:
        known = scalars.get(type(value))
        if known is not None:
            return known(value)
        if others:
            return others[0](value)
        return scalars[float](value) if float in scalars and type(value) is int else _unfit(value, needed)

    return checked


_WORDS: dict[Any, str] = {
    **{int: "a whole number", float: "a finite number", str: "a text", bool: "true or false"},
    **{type(None): "null", object: "anything"},
}


def _list(kind: Any) -> _Check:
    check = _check(kind)

    def checked(value: Any) -> Any:
        if type(value) is not list:
            _unfit(value, "a list")
        return tuple(_each(check, enumerate(value)))

    return checked


def _tuple(kinds: tuple[Any, ...]) -> _Check:
    checks = tuple(map(_check, kinds))

    def checked(value: Any) -> Any:
        if type(value) is not list or len(value) != len(checks):
            _unfit(value, f"a list of {len(checks)}")
        return tuple(check(item) for check, item in zip(checks, value, strict=True))

    return checked


def _mapping(kind: Any) -> _Check:
    check = _check(kind)

    def checked(value: Any) -> Any:
        if type(value) is not dict:
            _unfit(value, "an object")
        texts = map(_str, value)
        return dict(zip(texts, _each(check, value.items()), strict=True))

    return checked


def _each(check: _Check, items: Iterable[tuple[object, Any]]) -> list[Any]:
    found: list[Any] = []
    for key, item in items:
        try:
            found.append(check(item))
        except _Misfit as misfit:
            raise misfit.inside(key) from None
    return found


def _record(kind: type) -> _Check:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [
        (field.name, _check(hints[field.name]), _is_needed(field)) for field in dataclasses.fields(kind)
    ]

    def checked(value: Any) -> Any:
        if type(value) is not dict:
            _unfit(value, "an object")
        found = {}
        for name, check, is_needed in fields:
            try:
                if name in value:
                    found[name] = check(value[name])
                elif is_needed:
                    raise _Misfit("it is missing")
            except _Misfit as misfit:
                raise misfit.inside(name) from None
        try:
            return kind(**found)
        except ValueError as error:  # what fields must be to each other says the record itself
            raise _Misfit(str(error)) from None

    return checked


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("a key stands twice in an object")
    return found


def _no_number(_: str) -> NoReturn:
    raise Malformed("found NaN or Infinity, which are no JSON")
