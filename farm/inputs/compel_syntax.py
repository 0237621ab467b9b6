"""The syntax of weighted prompts: compel's, extended with weights such as (word:1.5). Needs no torch.

`(word)1.5` and `word++` weight words, `("one", "other").blend(0.3, 0.7)` mixes prompts, `("one", "other").and()`
concatenates them. compel silently treats anything else as plain words, so likely mistakes are detected here.
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
_MAX_WEIGHT = 3.0
"""From this weight on, a number after a colon is more likely a time or a ratio, as in (16:9)."""

_MAX_DEPTH = 20
"""Maximum depth of nested parentheses; compel's parser overflows its stack at about 35."""

_MAX_SIGNS = 50
"""Maximum number of consecutive signs: 1.1 to the power of 50 is 117. compel overflows at about 7,000."""

_WEIGHT = re.compile(r"(?<!\\):\s*+(\d++(?:\.\d*+)?|\.\d++)\s*+\)")
_NEGATIVE_WEIGHT = re.compile(r"(?<!\\)(?::\s*-\s*[\d.]+\s*\)|\)-[\d.]+)")
_SIGNS = re.compile(rf"(?<=[^\s+-])(?:\+{{{_MAX_SIGNS + 1},}}|-{{{_MAX_SIGNS + 1},}})")
_MIXING = re.compile(r"\.(?:blend|and|add)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_WORDS_ALONE = re.compile(r"[^\\()]*\w[^\\()]*")
_LORA = re.compile(r"\b(?:with|use)Lora\(")
_OPERATOR = re.compile(r"(?<=[\w)\"])\.([A-Za-z_]\w*)\(")
_SIGN = re.compile(r"\\.|[()\"]", re.DOTALL)


def to_compel_syntax(prompt: str) -> str:
    """Return a prompt in compel's syntax: `(word:1.5)`, as in AUTOMATIC1111's web interface, becomes `(word)1.5`.

    Nothing else of that interface's syntax is supported: there `(word)` has the weight 1.1, here 1; square brackets
    reduce the weight there, and are plain text here.
    """
    # The space after it keeps compel from reading the next characters as part of the number.
    return _WEIGHT.sub(lambda found: f"){found[1] if '.' in found[1] else f'{found[1]}.0'} ", prompt)


def prompt_mistake(prompt: str) -> str | None:
    """Return the first mistake in a weighted prompt, with its position counted from 1, or None."""
    return _sign_mistake(prompt) or _word_mistake(prompt) or _reading_mistake(prompt)


def _sign_mistake(prompt: str) -> str | None:
    """Find unbalanced parentheses and quotation marks."""
    opened: list[tuple[str, int]] = []
    for found in _SIGN.finditer(prompt):
        sign, position = found[0], found.start() + 1
        inner = opened[-1][0] if opened else ""
        if sign == "(" or (sign == '"' and inner != '"'):
            opened.append((sign, position))
        elif sign == '"' or (sign == ")" and inner == "("):
            opened.pop()
        elif sign == ")":
            return f"the ) at character {position} has no matching (; write \\) for a literal one"
        if len(opened) > _MAX_DEPTH:
            return (
                f"more than {_MAX_DEPTH} parentheses are open at character {position}; "
                "multiply their weights instead"
            )
    if opened:
        sign, position = opened[-1]
        return f"the {sign} at character {position} is never closed; write \\{sign} for a literal one"
    return None


def _word_mistake(prompt: str) -> str | None:
    """Find weights and operators that compel misreads or ignores."""
    if found := _NEGATIVE_WEIGHT.search(prompt):
        return f"the weight at character {found.start() + 1} is below 0; weights are 0 or more, and 1 has no effect"
    for found in _WEIGHT.finditer(prompt):
        if float(found[1]) >= _MAX_WEIGHT:
            return (
                f"the :{found[1]} at character {found.start() + 1} is read as a weight; such weights must be below "
                f"{_MAX_WEIGHT:g}; write \\: for a literal colon"
            )
    if found := _SIGNS.search(prompt):
        return (
            f"there are {len(found[0])} {found[0][0]} in a row at character {found.start() + 1}; "
            f"at most {_MAX_SIGNS} are allowed"
        )
    if found := _LORA.search(prompt):
        return (
            f"the {found[0][:-1]} at character {found.start() + 1} has no effect; list LoRAs in model.loras"
        )
    for found in _OPERATOR.finditer(prompt):
        name, position = found[1], found.start() + 1
        if name == "swap":
            return (
                f"the .swap at character {position} is not supported: it changes the prompt during sampling"
            )
        if name not in _OPERATORS:
            near = get_close_matches(name, _OPERATORS, 1)
            hint = f" (did you mean .{near[0]}?)" if near else f"; operators are .{', .'.join(_OPERATORS)}"
            return f"the .{name} at character {position} is not an operator{hint}"
    return None


def _reading_mistake(prompt: str) -> str | None:
    """Parse the prompt with compel, and check how its operators were read."""
    if not mixes(prompt):
        return None
    import pyparsing

    parser = _parser()
    try:
        read = _reader().parse_conjunction(to_compel_syntax(_without_words(prompt)))
    except pyparsing.ParseException as error:
        return f"nothing may follow .blend() or .and(), but there is {str(error.line)[error.loc :].strip()!r}"
    except (parser.PromptParser.ParsingException, ValueError):
        return "its .blend() or .and() takes one number for each of its prompts, or nothing"
    for part in read.prompts:
        if isinstance(part, parser.Blend) and part.normalize_weights and sum(part.weights) == 0:
            return "the weights of its .blend() add up to 0; add no_normalize to use them unchanged"
        for fragment in _fragments(part):
            if found := re.search(r"\.(?:blend|and|add)\(", fragment.text):
                return (
                    f"its {found[0]}) is read as words: it must follow a list of quoted prompts in parentheses, as in "
                    '("one", "other").blend(0.3, 0.7)'
                )
    return None


def mixes(prompt: str) -> bool:
    """Return whether a prompt may blend or join others; compel can parse any other prompt."""
    return _MIXING.search(prompt) is not None


def _without_words(prompt: str) -> str:
    """Replace quoted words without weights by `a`, since compel takes a millisecond per character."""

    def shortened(found: re.Match[str]) -> str:
        is_plain = _WORDS_ALONE.fullmatch(found[1]) and not mixes(found[1])
        return '"a"' if is_plain else found[0]

    return _QUOTED.sub(shortened, prompt)


def _fragments(part: Any) -> list[Any]:
    prompts = part.prompts if hasattr(part, "prompts") else [part]
    return [fragment for prompt in prompts for fragment in prompt.children]


@functools.cache
def _reader() -> Any:
    """Create compel's parser once, which takes as long as parsing a short prompt."""
    return _parser().PromptParser()


@functools.cache
def _parser() -> ModuleType:
    import pyparsing

    # Loaded from its file: the package imports torch and all of diffusers.
    package = importlib.util.find_spec("compel")
    assert package is not None
    assert package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "prompt_parser.py"
    spec = importlib.util.spec_from_file_location("compel_prompt_parser", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Without packrat parsing, each level of parentheses multiplies the time by four; six levels take 7 seconds.
    pyparsing.ParserElement.enable_packrat()
    return module
