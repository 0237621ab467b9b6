from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from farm.manifest import json_schema, to_yaml
from farm.manifest.location import Location
from farm.manifest.yaml_reader import read_tree
from farm.rules.load import load, parse

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "farm" / "manifest" / "schema.json"
SHIPPED = sorted((ROOT / "manifests").rglob("*.yaml"))

shipped = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())


def _data(text: str) -> Any:
    """Return the data with keys converted to strings, as in JSON."""
    tree, _ = read_tree(text, lambda line, column: Location(0, line, column, "m.yaml"))
    return json.loads(json.dumps(tree.value))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    """Return one validator for all tests, since creating the schema takes longer than using it."""
    return jsonschema.Draft202012Validator(json_schema())


def _allows(data: Any) -> bool:
    return bool(_validator().is_valid(data))


def test_the_committed_schema_is_current() -> None:
    assert json.loads(COMMITTED.read_text()) == json_schema(), (
        "the schema for editors is not current: farm schema > farm/manifest/schema.json"
    )


def test_the_schema_is_one_of_draft_2020_12_with_a_title_and_a_description() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Diffusion farm manifest"
    assert schema["description"]


def test_every_field_is_described() -> None:
    schema = json_schema()
    sections = [schema, *schema["$defs"].values()]
    fields = [(s["title"], name, field) for s in sections for name, field in s.get("properties", {}).items()]
    assert len(fields) > 60
    assert [
        (section, name) for section, name, field in fields if not {"description", "$ref"} & set(field)
    ] == []


@shipped
def test_a_shipped_manifest_satisfies_the_loader_and_the_schema(path: Path) -> None:
    load(path)
    _validator().validate(_data(path.read_text()))


@shipped
def test_a_resolved_manifest_satisfies_the_schema(path: Path) -> None:
    _validator().validate(_data(to_yaml(load(path).manifest)))


@shipped
def test_a_shipped_manifest_begins_with_a_schema_line_that_works(path: Path) -> None:
    line = path.read_text().splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", line)
    assert match, line
    assert (path.parent / match[1]).resolve() == COMMITTED


@pytest.mark.parametrize(
    "change",
    [
        "colour: red",
        "seed: '12'",
        "seed: -1",
        "render: {guidance_scale: {a: 1}}",
        "render: {eta: 2}",
        "render: {height: 500}",
        "render: {eta: {}}",
        "output: {gif: {loop: no}}",
        "output: {gif: 5}",
        "output: {mp4: {preset: slwo}}",
        "analysis: {clip: {}}",
        "analysis: {clip: {pretrained: tiny-world-clip, labels: {a: [b]}}}",
        "analysis: {clip: {pretrained: tiny-world-clip, template: a photo}}",
        "analysis: {classifier: {revision: main}}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(problems, valid: str, change: str) -> None:
    problems(change=change)
    assert not _allows(_data(valid + change))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("frames: 10", ""),
        ("tiny-world", "a.ckpt"),
        ("tiny-world", "s3://a/b"),
        ("[a dog, a bowl of fruit]", "[a dog]"),
        ("interpolate", "grid"),
        ("name: doggo", "name: .doggo"),
        ("tiny-world", "tiny-world\n  scheduler: {class: DDIM}"),
        ("tiny-world", "tiny-world\n  revision: main"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses_in_required_fields(
    problems, valid: str, old: str, new: str
) -> None:
    problems(valid.replace(old, new))
    assert not _allows(_data(valid.replace(old, new)))


@pytest.mark.parametrize(
    "change",
    [
        "output: {gif: true, mp4: false, contact_sheet: null}",
        "render: {guidance_scale: {0: 1, 9: 2.5}, eta: 1, height: null}",
        "description: no",
        "analysis: {clip: {pretrained: tiny-world-clip, labels: {a: [b, {c: a d}]}, template: {a: 'a {label}'}}}",
        "analysis: {classifier: true, smoothness: false}",
        "analysis: true",
    ],
)
def test_the_schema_allows_what_the_loader_allows(valid: str, change: str) -> None:
    parse(valid + change, Path("doggo.yaml"))
    assert _allows(_data(valid + change))
