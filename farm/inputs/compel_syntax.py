"""The language of weighted prompts: compel's, with weights as in (word:1.5) besides. Needs no torch.

`(word)1.5` and `word++` weigh words, `("one", "other").blend(0.3, 0.7)` mixes prompts, `("one", "other").and()` sets
them one after the other. compel takes whatever else it cannot read as plain words and is silent, so what looks like a
slip is looked for here.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

_OPERATORS = ("blend", "and", "add", "attend")
_HEAVIEST = 3.0
"""What stands behind a colon from here on is rather a time or a ratio, as in (16:9)."""

_DEEPEST = 20
"""Parentheses in parentheses; compel's parser runs out of stack at some 35."""

_MOST_SIGNS = 50
"""In a row: 1.1 to the power of 50 is 117. compel overflows at some 7,000."""

_WEIGHT = re.compile(r"(?<!\\):\s*+(\d++(?:\.\d*+)?|\.\d++)\s*+\)")
_NEGATIVE_WEIGHT = re.compile(r"(?<!\\)(?::\s*-\s*[\d.]+\s*\)|\)-[\d.]+)")
_SIGNS = re.compile(rf"(?<=[^\s+-])(?:\+{{{_MOST_SIGNS + 1},}}|-{{{_MOST_SIGNS + 1},}})")
_MIXING = re.compile(r"\.(?:blend|and|add)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_WORDS_ALONE = re.compile(r"[^\\()]*\w[^\\()]*")
_LORA = re.compile(r"\b(?:with|use)Lora\(")
_OPERATOR = re.compile(r"(?<=[\w)\"])\.([A-Za-z_]\w*)\(")
_SIGN = re.compile(r"\\.|[()\"]", re.DOTALL)


def in_compels_words(prompt: str) -> str:
    """Return a prompt as compel reads it: `(word:1.5)`, as AUTOMATIC1111's web interface has it, is `(word)1.5`.

    A number alone has a weight there only with the colon: `(word)` without one is 1.1 there and 1 here. Words in
    square brackets, which weigh less there, are words in square brackets.
    """
    # With a space behind it: compel would take what follows for more of the number.
    return _WEIGHT.sub(lambda found: f"){found[1] if '.' in found[1] else f'{found[1]}.0'} ", prompt)


def prompt_mistake(prompt: str) -> str | None:
    """Return what is wrong in a weighted prompt and where, counted from character 1, or None."""
    return _sign_mistake(prompt) or _word_mistake(prompt) or _reading_mistake(prompt)


def _sign_mistake(prompt: str) -> str | None:
    """Look for parentheses and quotation marks that stand alone."""
    opened: list[tuple[str, int]] = []
    for found in _SIGN.finditer(prompt):
        sign, place = found[0], found.start() + 1
        inner = opened[-1][0] if opened else ""
        if sign == "(" or (sign == '"' and inner != '"'):
            opened.append((sign, place))
        elif sign == '"' or (sign == ")" and inner == "("):
            opened.pop()
        elif sign == ")":
            return f"the ) at character {place} closes nothing; \\) is the sign itself"
        if len(opened) > _DEEPEST:
            return (
                f"at character {place} more than {_DEEPEST} parentheses are open; weights can be multiplied"
            )
    if opened:
        sign, place = opened[-1]
        return f"the {sign} at character {place} is never closed; \\{sign} is the sign itself"
    return None


def _word_mistake(prompt: str) -> str | None:
    """Look for what compel reads otherwise than it is meant, or reads and ignores."""
    if found := _NEGATIVE_WEIGHT.search(prompt):
        return f"the weight at character {found.start() + 1} is below 0; weights are 0 or more, 1 changes nothing"
    for found in _WEIGHT.finditer(prompt):
        if float(found[1]) >= _HEAVIEST:
            return (
                f"the :{found[1]} at character {found.start() + 1} is read as a weight; such weights are below "
                f"{_HEAVIEST:g}, and \\: is the sign itself"
            )
    if found := _SIGNS.search(prompt):
        return (
            f"at character {found.start() + 1} there are {len(found[0])} {found[0][0]} in a row; up to {_MOST_SIGNS} "
            "weigh a word"
        )
    if found := _LORA.search(prompt):
        return f"the {found[0][:-1]} at character {found.start() + 1} does nothing; LoRAs are listed in model.loras"
    for found in _OPERATOR.finditer(prompt):
        name, place = found[1], found.start() + 1
        if name == "swap":
            return (
                f"the .swap at character {place} is not rendered: it changes the prompt while it is sampled"
            )
        if name not in _OPERATORS:
            near = get_close_matches(name, _OPERATORS, 1)
            meant = f"; did you mean .{near[0]}?" if near else f"; there are .{', .'.join(_OPERATORS)}"
            return f"the .{name} at character {place} is no operator{meant}"
    return None


def _reading_mistake(prompt: str) -> str | None:
    """Let compel read it, and look what became of its operators."""
    if not mixes(prompt):
        return None
    import pyparsing

    parser = _parser()
    try:
        read = _reader().parse_conjunction(in_compels_words(_without_words(prompt)))
    except pyparsing.ParseException as error:
        return f"nothing can stand behind .blend() or .and(), and there is {str(error.line)[error.loc :].strip()!r}"
    except (parser.PromptParser.ParsingException, ValueError):
        return "its .blend() or .and() takes one number for each of its prompts, or nothing"
    for part in read.prompts:
        if isinstance(part, parser.Blend) and part.normalize_weights and sum(part.weights) == 0:
            return "the weights of its .blend() add up to 0; with no_normalize behind them they are taken as they are"
        for fragment in _fragments(part):
            if found := re.search(r"\.(?:blend|and|add)\(", fragment.text):
                return (
                    f"its {found[0]}) is read as words: it stands behind the whole prompt, which is a list in "
                    'parentheses, each in quotation marks, as in ("one", "other").blend(0.3, 0.7)'
                )
    return None


def mixes(prompt: str) -> bool:
    """Tell whether a prompt may blend or join others: whatever else is in it, compel reads, if only as words."""
    return _MIXING.search(prompt) is not None


def _without_words(prompt: str) -> str:
    """Return a prompt with `a` in the place of quoted words without weights: compel takes a millisecond a letter."""

    def shortened(found: re.Match[str]) -> str:
        is_short = _WORDS_ALONE.fullmatch(found[1]) and not mixes(found[1])
        return '"a"' if is_short else found[0]

    return _QUOTED.sub(shortened, prompt)


def _fragments(part: Any) -> list[Any]:
    prompts = part.prompts if hasattr(part, "prompts") else [part]
    return [fragment for prompt in prompts for fragment in prompt.children]


@functools.cache
def _reader() -> Any:
    """Make compel's parser once: that alone takes as long as reading a short prompt."""
    return _parser().PromptParser()


@functools.cache
def _parser() -> ModuleType:
    import pyparsing

    # By its file: the package around it loads torch and all of diffusers.
    package = importlib.util.find_spec("compel")
    assert package is not None
    assert package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "prompt_parser.py"
    spec = importlib.util.spec_from_file_location("compel_prompt_parser", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Without it each level of parentheses takes four times as long to read as the one within, six of them 7 seconds.
    pyparsing.ParserElement.enable_packrat()
    return module
