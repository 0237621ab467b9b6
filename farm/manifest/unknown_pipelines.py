"""Explains from diffusers' source files, without importing them, why the farm does not support a pipeline."""

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
    """Return the requirements for supporting a pipeline; an empty string if diffusers has none of that name."""
    if pipeline not in _names():
        return ""
    missing = missing_requirement(pipeline)
    if missing:
        return f"diffusers has {pipeline}, but {missing}: it needs a class of its own, {_HOW}"
    return (
        f"diffusers has {pipeline}: if it generates pictures, it needs an entry in farm/manifest/pipelines.py, "
        f"{_HOW}"
    )


def missing_requirement(pipeline: str) -> str:
    """Return what a diffusers pipeline lacks to render frames (see `farm.render.families`), or an empty string."""
    methods = _methods(pipeline)
    if "encode_prompt" not in methods:
        return "it has no encode_prompt, in which prompts are mixed"
    parameters = methods["__call__"].args if "__call__" in methods else None
    names = {each.arg for each in (*parameters.args, *parameters.kwonlyargs)} if parameters else set()
    missing = [words for argument, words in _NEEDED.items() if argument not in names]
    return f"its call takes no {missing[0]}" if missing else ""


def _methods(name: str) -> Mapping[str, ast.FunctionDef]:
    """Return the methods of a pipeline class, including those inherited from other pipelines."""
    definition = _class(name)
    if definition is None:
        return {}
    bases = [base.id for base in definition.bases if isinstance(base, ast.Name)]
    inherited = [_methods(base) for base in reversed(bases) if base.endswith("Pipeline")]
    own = {entry.name: entry for entry in definition.body if isinstance(entry, ast.FunctionDef)}
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
    locations = diffusers.submodule_search_locations if diffusers else None
    return [file for each in locations or () for file in sorted(Path(each).glob(pattern))]
