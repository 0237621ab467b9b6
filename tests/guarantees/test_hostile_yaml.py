"""A manifest of any bytes is read or refused with its place, quickly and in little memory."""

import json
import os
import tracemalloc
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import ManifestError
from farm.manifest import Document, json_schema
from farm.rules.load import load, parse
from tests.guarantees.refusal import MANIFEST, refusal

HEAD = "version: 1\nname: job\nmodel: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}\n"
NINE = [f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in pairwise("abcdefghi")]
TWICE = [
    f"{name}: &{name} {{<<: [*{before}, *{before}]}}\n"
    for before, name in pairwise("abcdefghijklmnopqrstuvwxyz")
]
MILLION = ",".join(["0"] * 1_000_000)
THOUSAND = ",".join(["0"] * 1000)
MANY = ",".join(f"{frame}: a" for frame in range(300_000))
SWEEP = HEAD + "animation: {kind: sweep, prompt: a, over: {"
BOMBS = {
    "a billion laughs": "a: &a [lol]\n" + "".join(NINE),
    "quadratic": f"a: &a [{THOUSAND}]\nb: [{','.join(['*a'] * 1000)}]\n",
    "merged": "a: &a {x: 1}\n" + "".join(TWICE),
    "itself": "a: &a [*a]\n",
    "deep": "[" * 1_000_000,
    "deeper": "? " * 1_000_000,
    "a million prompts": HEAD + f"animation: {{kind: stills, prompts: [{MILLION}]}}\n",
    "a map of them": HEAD + f"animation: {{kind: interpolate, frames: 5, prompts: {{{MANY}}}}}\n",
    "a million values": f"{SWEEP}eta: [{MILLION}]}}}}\n",
    "a billion combinations": f"{SWEEP}eta: &e [{THOUSAND}], guidance_scale: *e, guidance_rescale: *e}}}}\n",
    "a trillion frames": HEAD + "animation: {kind: walk, prompt: a, frames: 1000000000000}\n",
    "a long prompt": HEAD + f"animation: {{kind: walk, frames: 1, prompt: {'x' * 3_000_000}}}\n",
    "a long number": HEAD + f"animation: {{kind: walk, prompt: a, frames: {'9' * 3_000_000}}}\n",
    "a python object": HEAD + "animation: !!python/object/apply:os.system [id]\n",
    "binary": HEAD + "animation: !!binary aGVsbG8=\n",
    "a million documents": "---\n" * 900_000,
    "one key twice, merged": "a: &a {x: 1, x: 2}\nb: {<<: *a}\n",
    "one key thrice": HEAD + "animation: {kind: walk, prompt: a, frames: 1}\nname: x\n'name': y\n",
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_yaml_bomb_is_refused(bomb, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(BOMBS[bomb])
    tracemalloc.start()
    with pytest.raises(ManifestError) as refused:
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(problem.where.startswith(f"{path}:") for problem in refused.value.problems)
    assert len(str(refused.value)) < 5000
    assert peak < 200_000_000


def read(content: bytes, folder: Path) -> None:
    path = folder / "random.yaml"
    path.write_bytes(content)
    try:
        assert isinstance(load(path), Document)
        return
    except ManifestError as error:
        refused = error
    assert refused.problems
    assert all(problem.where.startswith(f"{path}") for problem in refused.problems)
    assert all(line.isprintable() for line in str(refused).split("\n"))


@settings(deadline=timedelta(seconds=10))
@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.text().map(lambda text: text.encode("utf-16"))
)
def test_random_bytes_are_read_or_refused(tmp_path_factory, content):
    read(content, tmp_path_factory.getbasetemp())


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["\x1b[31m", "\u202e", "10" * 200, ".nan", "0o17", "1:30", "stills", "DDIMScheduler", "<<"]
)  # fmt: skip
KEYS = st.sampled_from(
    [*json_schema()["properties"], "kind", "frames", "prompts", "prompt", "over", "seeds", "noise", "class", "config"]
) | st.text(max_size=4) | st.integers(0, 9).map(str)  # fmt: skip
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
SECTIONS = st.fixed_dictionaries({}, optional=dict.fromkeys(json_schema()["properties"], TREES))


@settings(deadline=timedelta(seconds=10))
@given(SECTIONS | TREES)
def test_random_trees_are_read_or_refused(tmp_path_factory, tree):
    manifest = {**MANIFEST, **tree} if isinstance(tree, dict) else tree
    read(json.dumps(manifest).encode(), tmp_path_factory.getbasetemp())


@pytest.mark.parametrize(
    "change", ["{}: 1", "name: {}", "animation: {}", "model: {{pretrained: {}}}", "{{a: 1}}: {}"]
)
def test_no_message_contains_terminal_control_sequences(change, tmp_path):
    path = tmp_path / "evil\x1b[2J\n.yaml"
    path.write_text(change.format('"\\e[31m\\x9b2J\\u202Egnp\\a"'))
    message = refusal(path, "--set", "\x1b[31m\u202e=1", "--set", "name=\x9b31m")
    assert message.replace("\n", "").isprintable()
    assert "\\x1b[31m" in message


@pytest.mark.timeout(20)
def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path, why in {
        tmp_path / "pipe": "not a regular file",
        Path("/dev/zero"): "not a regular file",
        tmp_path: "Is a directory",
        tmp_path / "missing": "No such file or directory",
        tmp_path / ("x" * 5000): "File name too long",
        tmp_path / "loop": "Too many levels of symbolic links",
    }.items():
        assert refusal(path).startswith(f"{path}: cannot be read: {why}; needed: a YAML map in UTF-8, ")


def test_a_field_deeper_than_any_manifest_is_refused():
    with pytest.raises(ManifestError) as refused:
        parse(HEAD, Path("m.yaml"), ["a" + ".a" * 100_000 + "=1"])
    assert "more than 32 levels of nesting; allowed: up to 32." in str(refused.value)
