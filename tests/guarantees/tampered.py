"""A finished job's folder, ways to tamper with its content, and the commands that read it."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

import farm
from farm.cli.compare import report_text as comparison_text
from farm.cli.inspect import report_text as inspection_text
from farm.execute import InlineExecutor
from farm.results import assemble_outputs, build_report, job_to_verify, verify
from farm.results.compare import compare
from farm.results.inspect import inspect
from farm.run import analyze_job, prepare, render

MANIFEST = """\
version: 1
name: film
seed: 3
model: {pipeline: StableDiffusionImg2ImgPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a fish, a cat], frames: 8, pacing: perceptual}
render: {image: dog.png, num_inference_steps: 4, batch_size: 2}
analysis: {smoothness: true}
output: {gif: {fps: 10}, mp4: false}
"""
NAME = "film-rehearsal"

RECORDS = (
    "summary.json",
    ".farm/ledger/frame000002-000003.jsonl",
    ".farm/claim.json",
    ".farm/pictures.json",
    ".farm/pacing.json",
    ".farm/pilot/.farm/ledger/frame000002-000003.jsonl",
    ".farm/analysis/columns.json",
    ".farm/analysis/*/frame*.json",
)
FILES = (
    *RECORDS,
    "manifest.yaml",
    "metadata.parquet",
    "frames/frame000003.png",
    "preview.webp",
    "report.html",
)


def quiet(_: object) -> None:
    """Ignore an event."""


def make_job(place: Path) -> Path:
    """Rehearse a small job that leaves every sort of file, and return the folder of its output folders."""
    place.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), "teal").save(place / "dog.png")
    path = place / "film.yaml"
    path.write_text(MANIFEST)
    job = prepare(path, output_dir=str(place / "out"), procedural=True)
    with InlineExecutor() as executor:
        [summary] = render([job], executor, quiet)
    assert summary.state == "done", summary.error
    claim = {"id": "x", "host": "another", "processes": "", "pid": 12, "born": "", "renewed": 0.0}
    (place / "out" / NAME / ".farm" / "claim.json").write_text(json.dumps(claim))
    return place / "out"


# Tampering with a folder -------------------------------------------------------------------------------------------


class _Repeated(dict[str, Any]):
    """A JSON object with a duplicate key."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def items(self) -> Any:
        return self._pairs


DEEP = "deep"
"""Stands for a thousand lists in each other, which no encoder writes."""
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 7, 10**12, 10**30, 1.5, -0.5, 1e308, float("nan"), float("inf")),
    *(
        "",
        "x",
        "../../../../etc/passwd",
        "/dev/zero",
        "\ud800",
        "\x1b[2J",
        "0001-01-01T00:00:00+23:59",
        "2026",
    ),
    *(
        "{",
        "[1]",
        "9" * 5000,
        "x" * 10**6,
        [],
        {},
        [[]],
        [None],
        [1, 2, 3],
        {"a": {"b": 1}},
        [1e308] * 100,
        DEEP,
    ),
)


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a document."""
    yield path
    if isinstance(content, Mapping):
        for key in content:
            yield from places(content[key], (*path, key))
    elif isinstance(content, list):
        for number in range(min(len(content), 2)):
            yield from places(content[number], (*path, number))


def changed(content: Any, path: tuple[Any, ...], value: Any, how: str = "replace") -> Any:
    """Return a document in which a value is replaced, removed, duplicated, or has an unknown neighbour."""
    if not path:
        return value
    whole = copy.deepcopy(content)
    parent, above = whole, None
    for key in path[:-1]:
        above, parent = (parent, key), parent[key]
    key = path[-1]
    if how == "remove" or (how == "rename" and isinstance(parent, list)):
        del parent[key]
    elif how == "rename":
        parent["of_a_newer_farm"] = parent.pop(key)
    elif how == "repeat" and isinstance(parent, dict):
        repeated = _Repeated([*parent.items(), (key, value)])
        if above is None:
            return repeated
        above[0][above[1]] = repeated
    else:
        parent[key] = value
    return whole


def encoded(content: Any) -> str:
    """Return a document as JSON, including NaN and deep lists."""
    return json.dumps(content).replace(json.dumps(DEEP), "[" * 1000 + "]" * 1000)


def tamper_record(folder: Path, record: str, which: int, value: Any, how: str = "replace") -> None:
    """Change the `which`-th value of a record, modulo their number, and its checksum if it has one."""

    def edit(document: Any) -> Any:
        found = list(places(document))
        return changed(document, found[which % len(found)], value, how)

    _edit(folder, record, edit)


def change_record(folder: Path, record: str, place: tuple[Any, ...], value: Any) -> None:
    """Change or add the value at a place of a record; `*` is any key of an object."""

    def edit(document: Any) -> Any:
        path: list[Any] = []
        inner = document
        for key in place:
            path.append(next(iter(inner)) if key == "*" else key)
            inner = inner[path[-1]] if isinstance(inner, list) or path[-1] in inner else None
        return changed(document, tuple(path), value)

    _edit(folder, record, edit)


def _edit(folder: Path, record: str, edit: Callable[[Any], Any]) -> None:
    """Let `edit` change a record: of a part of the ledger its last row."""
    [path, *_] = folder.glob(record)
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    rows = [json.loads(line) for line in lines]
    if path.suffix != ".jsonl":
        path.write_text(encoded(edit(rows[0])))
        return
    *rows, _ = rows
    rows[-1] = edit(rows[-1])
    text = "".join(encoded(row) + "\n" for row in rows)
    path.write_text(text + json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest()}) + "\n")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(900 * 2**20)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 8),
    "deep": lambda path: path.write_bytes(b"[" * 200_000),
    "deep objects": lambda path: path.write_bytes(b'{"a":' * 100_000),
    "null": lambda path: path.write_bytes(b"null"),
    "number": lambda path: path.write_bytes(b"7" * 5000),
    "list": lambda path: path.write_bytes(b"[1, 2, 3]"),
    "many": lambda path: path.write_bytes(b"[" + b"[]," * 2_000_000 + b"[]]"),
    "object": lambda path: path.write_bytes(b"{}"),
    "gone": lambda path: path.unlink(),
    "folder": _folder,
    "fifo": _fifo,
    "sparse": _sparse,
}


def damage_file(folder: Path, name: str, damage: str) -> None:
    """Replace a file by something else."""
    [path, *_] = folder.glob(name)
    DAMAGES[damage](path)


# Reading it -----------------------------------------------------------------------------------------------------------


def _inspect(out: Path) -> None:
    found = inspect(str(out / NAME))
    inspection_text(found, width=80)
    json.dumps(dataclasses.asdict(found))


def _open(out: Path) -> None:
    job = farm.open(out / NAME)
    repr(job), job._repr_html_(), list(job.images[:1])
    job.table.to_pylist()


def _verify(out: Path) -> None:
    verify(job_to_verify(str(out / NAME)), InlineExecutor(), quiet)


def _compare(out: Path) -> None:
    comparison_text(compare(str(out / NAME), str(out / "other"), output=str(out / "compared")))


def _analyze(out: Path) -> None:
    analyze_job(str(out / NAME), InlineExecutor())


def _plan(out: Path) -> None:
    job = prepare(out.parent / "film.yaml", output_dir=str(out), procedural=True)
    job.to_render(job.remaining())


def _render(out: Path) -> None:
    job = prepare(out.parent / "film.yaml", output_dir=str(out), procedural=True)
    with InlineExecutor() as executor:
        [summary] = render([job], executor, quiet)
    assert summary.state in ("done", "partial", "failed")


COMMANDS: dict[str, Callable[[Path], object]] = {
    "inspect": _inspect,
    "report": lambda out: build_report(str(out / NAME)),
    "gallery": lambda out: build_report(str(out)),
    "assemble": lambda out: assemble_outputs(str(out / NAME)),
    "open": _open,
    "verify": _verify,
    "compare": _compare,
    "analyze": _analyze,
    "plan": _plan,
    "render": _render,
}


def copy_of(made: Path, place: Path) -> Path:
    """Copy the output of `make_job`, with an unchanged copy of the job as `other`; return the copy's output folder."""
    shutil.copytree(made.parent, place)
    shutil.copytree(made / NAME, place / "out" / "other")
    return place / "out"
