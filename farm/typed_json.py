"""Parses untrusted JSON into records with exact types, finite numbers and bounded sizes.

The counterpart of `farm.canonical`. A record is a frozen dataclass whose annotations define the format: `str`, `int`,
`float`, `bool`, `None`, `Literal`, unions of these, tuples, mappings, other records, and `object` for any JSON. Unknown
keys are ignored, so that files of newer versions stay readable.
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

MAX_BYTES = 16 * 2**20
"""Maximum size of a document; as Python values it takes up to twenty times as much memory."""
MAX_CONTAINERS = 250_000
"""Maximum number of lists and objects in a document; each takes about a hundred bytes of memory."""
MAX_DEPTH = 32
"""Maximum nesting of lists and objects in fields of type `object`; elsewhere the record's types limit it."""
_INT64 = 2**63
_MAX_KEY_LENGTH = 40

_T = TypeVar("_T")
_Check = Callable[[Any], Any]


class Malformed(ValueError):
    """JSON that is not the expected record; the message says where, what was found and what is needed."""


@dataclass(frozen=True, slots=True)
class Within:
    """The smallest and largest allowed number: `Annotated[int, Within(1, 256)]`."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Satisfying:
    """A rule that a value must satisfy, and the name of such values in messages."""

    rule: Callable[[Any], bool]
    name: str


def parse(data: bytes, kind: type[_T]) -> _T:
    """Return the record, or other value, of type `kind` in a JSON document in UTF-8.

    An integer is accepted as a `float`; otherwise types are exact: `true` is not a number, and `1.0` not an integer.
    Integers have at most 64 bits. A key may occur only once in an object.

    Raises:
        Malformed: for anything else.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"it has {len(data)} bytes, at most {MAX_BYTES} are allowed")
    if data.count(b"[") + data.count(b"{") > MAX_CONTAINERS:  # also counts brackets in strings: an estimate
        raise Malformed(f"it has more than {MAX_CONTAINERS} lists and objects")
    try:
        content = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"it is not JSON in UTF-8: {error}") from error
    try:
        checked: _T = _check(kind)(content)  # type: ignore[arg-type]  # any hashable type is looked up
        return checked
    except _Mismatch as mismatch:
        raise Malformed(str(mismatch)) from None


class _Mismatch(Exception):
    """A value of the wrong type, and its path, to which each container adds its key as the error propagates."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []

    def __str__(self) -> str:
        return f"{'.'.join(reversed(self.path))}: {self.problem}" if self.path else self.problem

    def inside(self, key: object) -> _Mismatch:
        """Add the key of the containing value."""
        self.path.append(printable(str(key), keep="")[:_MAX_KEY_LENGTH])
        return self


def _reject(value: object, needed: str) -> NoReturn:
    raise _Mismatch(f"found {_named(value)}, needed {needed}")


def _named(value: object) -> str:
    """Return the kind of a value, not the value itself, which may be long or confidential."""
    match value:
        case None | True | False:
            return json.dumps(value)
        case int() | float():
            return "a decimal number" if isinstance(value, float) else "an integer"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


@functools.cache
def _check(kind: Any) -> _Check:
    """Return the function that converts a JSON value to a type, or raises `_Mismatch`."""
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
    raise TypeError(f"{kind} cannot be read from JSON")


def _int(value: Any) -> int:
    if type(value) is not int:
        _reject(value, "an integer")
    if not -_INT64 <= value < _INT64:
        raise _Mismatch("found an integer of more than 64 bits")
    return value


def _float(value: Any) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is not int:
        _reject(value, "a finite number")
    return float(_int(value))


def _str(value: Any) -> str:
    if type(value) is not str:
        _reject(value, "a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Mismatch("found a string with half of a surrogate pair") from None
    return value


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        _reject(value, "true or false")
    return value


def _none(value: Any) -> None:
    if value is not None:
        _reject(value, "null")


def _anything(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise _Mismatch("it is nested too deeply")
    if isinstance(value, dict):
        for key in value:
            _str(key)
    elif not isinstance(value, list):
        return _SCALARS[type(value)](value)
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        try:
            _anything(item, depth + 1)
        except _Mismatch as mismatch:
            raise mismatch.inside(key) from None
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
        if not bounds.minimum <= number <= bounds.maximum:
            raise _Mismatch(f"found a number outside {bounds.minimum} to {bounds.maximum}")
        return number

    return checked


def _satisfying(check: _Check, requirement: Satisfying) -> _Check:
    def checked(value: Any) -> Any:
        parsed = check(value)
        if not requirement.rule(parsed):
            _reject(value, requirement.name)
        return parsed

    return checked


def _literal(choices: tuple[object, ...]) -> _Check:
    def checked(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            _reject(value, "one of " + ", ".join(map(str, choices)))
        return value

    return checked


def _union(kinds: tuple[Any, ...]) -> _Check:
    """Return the check of a union of scalars and at most one other type, which JSON can distinguish."""
    scalars = {kind: _SCALARS[kind] for kind in kinds if kind in _SCALARS}
    others = [_check(kind) for kind in kinds if kind not in scalars]
    if len(others) > 1:
        raise TypeError(f"{kinds} cannot be distinguished in JSON")
    needed = " or ".join(_WORDS[kind] for kind in scalars)

    def checked(value: Any) -> Any:
        scalar = scalars.get(type(value))
        if scalar is not None:
            return scalar(value)
        if others:
            return others[0](value)
        return scalars[float](value) if float in scalars and type(value) is int else _reject(value, needed)

    return checked


_WORDS: dict[Any, str] = {
    **{int: "an integer", float: "a finite number", str: "a string", bool: "true or false"},
    **{type(None): "null", object: "anything"},
}


def _list(kind: Any) -> _Check:
    check = _check(kind)

    def checked(value: Any) -> Any:
        if type(value) is not list:
            _reject(value, "a list")
        return tuple(_each(check, enumerate(value)))

    return checked


def _tuple(kinds: tuple[Any, ...]) -> _Check:
    checks = tuple(map(_check, kinds))

    def checked(value: Any) -> Any:
        if type(value) is not list or len(value) != len(checks):
            _reject(value, f"a list of {len(checks)}")
        return tuple(check(item) for check, item in zip(checks, value, strict=True))

    return checked


def _mapping(kind: Any) -> _Check:
    check = _check(kind)

    def checked(value: Any) -> Any:
        if type(value) is not dict:
            _reject(value, "an object")
        keys = map(_str, value)
        return dict(zip(keys, _each(check, value.items()), strict=True))

    return checked


def _each(check: _Check, items: Iterable[tuple[object, Any]]) -> list[Any]:
    checked: list[Any] = []
    for key, item in items:
        try:
            checked.append(check(item))
        except _Mismatch as mismatch:
            raise mismatch.inside(key) from None
    return checked


def _record(kind: type) -> _Check:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [
        (field.name, _check(hints[field.name]), _is_required(field)) for field in dataclasses.fields(kind)
    ]

    def checked(value: Any) -> Any:
        if type(value) is not dict:
            _reject(value, "an object")
        arguments = {}
        for name, check, is_required in fields:
            try:
                if name in value:
                    arguments[name] = check(value[name])
                elif is_required:
                    raise _Mismatch("it is missing")
            except _Mismatch as mismatch:
                raise mismatch.inside(name) from None
        try:
            return kind(**arguments)
        except ValueError as error:  # rules across fields are checked by the record itself
            raise _Mismatch(str(error)) from None

    return checked


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise Malformed("an object has a duplicate key")
    return unique


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("found NaN or Infinity, which are not JSON")
