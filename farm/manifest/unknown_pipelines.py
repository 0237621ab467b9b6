"""Explain why the farm cannot render with a diffusers pipeline, from its source files, without importing them."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

_NEEDED = {
    "prompt": "prompts",
    "generator": "generators for its noise",
    "num_inference_steps": "number of steps",
}
_HOW = "see 'A family of pipelines' in ARCHITECTURE.md."


def explain_unknown_pipeline(pipeline: str) -> str:
    """Return what the farm would need to support a pipeline; an empty string if diffusers has none of that name."""
    if pipeline not in _names():
        return ""
    lacking = missing_requirement(pipeline)
    if lacking:
        return f"diffusers has {pipeline}, but {lacking}: it needs a class of its own, {_HOW}"
    return f"diffusers has {pipeline}: if it makes pictures, it needs an entry in farm/manifest/pipelines.py, {_HOW}"


def missing_requirement(pipeline: str) -> str:
    """Return what a diffusers pipeline lacks for rendering frames, in the words of `farm.render.families`, or an
    empty string."""
    methods = _methods(pipeline)
    if "encode_prompt" not in methods:
        return "it has no encode_prompt, in which prompts are mixed"
    takes = methods["__call__"].args if "__call__" in methods else None
    names = {each.arg for each in (*takes.args, *takes.kwonlyargs)} if takes else set()
    lacking = [words for argument, words in _NEEDED.items() if argument not in names]
    return f"its call takes no {lacking[0]}" if lacking else ""


def _methods(name: str) -> Mapping[str, ast.FunctionDef]:
    """Return the methods of a pipeline class, including those inherited from other pipelines."""
    found = _class(name)
    if found is None:
        return {}
    bases = [base.id for base in found.bases if isinstance(base, ast.Name)]
    inherited = [_methods(base) for base in reversed(bases) if base.endswith("Pipeline")]
    own = {entry.name: entry for entry in found.body if isinstance(entry, ast.FunctionDef)}
    return {name: method for methods in (*inherited, own) for name, method in methods.items()}


@functools.cache
def _class(name: str) -> ast.ClassDef | None:
    head = f"\nclass {name}("
    for file in _files("pipelines/**/*.py"):
        text = file.read_text(encoding="utf-8")
        if head in text:
            for entry in ast.parse(text).body:
                if isinstance(entry, ast.ClassDef) and entry.name == name:
                    return entry
    return None


@functools.cache
def _names() -> frozenset[str]:
    """Return the names of the pipelines that diffusers exports."""
    texts = [file.read_text(encoding="utf-8") for file in _files("__init__.py")]
    named = [
        each.value for text in texts for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Constant)
    ]
    return frozenset(name for name in named if isinstance(name, str) and name.endswith("Pipeline"))


def _files(pattern: str) -> list[Path]:
    diffusers = importlib.util.find_spec("diffusers")
    places = diffusers.submodule_search_locations if diffusers else None
    return [file for place in places or () for file in sorted(Path(place).glob(pattern))]
