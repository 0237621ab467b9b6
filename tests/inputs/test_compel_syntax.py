import subprocess
import sys

import pytest

from farm.inputs.compel_syntax import prompt_mistake, to_compel_syntax


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a (red star:1.5) at night", "a (red star)1.5  at night"),
        ("a (red star: 1.5 )", "a (red star)1.5 "),
        ("((a:1.2) b:0.5)", "((a)1.2  b)0.5 "),
        ('("(a:1.5)", "b").blend(0.3, 0.7)', '("(a)1.5 ", "b").blend(0.3, 0.7)'),
        ("(one:2)3 more.", "(one)2.0 3 more."),
        ("(one:2).", "(one)2.0 ."),
        ("(one:.00001)", "(one).00001 "),
        ("at 12:30, 3:4, (word)1.5, (word)++ [word]", "at 12:30, 3:4, (word)1.5, (word)++ [word]"),
        (r"a \(b\:1.5\) (c\:1.5)", r"a \(b\:1.5\) (c\:1.5)"),
    ],
)
def test_a_weight_after_a_colon_is_converted(written, read):
    assert to_compel_syntax(written) == read


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a photo of a dog, at 4.5 metres (roughly), e.g. black-and-white",
        "(word)++, word--, (word)1.5, (word:1.5), ((word)++ other)0.5, (word).attend(1.5)",
        '("a (red)++ star", "a circle").blend(0.3, 0.7)',
        '("a", "b").blend(1, -1, no_normalize)',
        '("a", "b").and()',
        '("a", "b").and(1, 0.5)',
        r"a \(smiley\) of 5\" :\)",
        'a sign that says "open"',
        f"{'(' * 20}deep{')' * 20}++",
    ],
)
def test_valid_compel_syntax_is_no_mistake(prompt):
    assert prompt_mistake(prompt) is None


@pytest.mark.parametrize(
    ("prompt", "mistake"),
    [
        ("a (red star", r"the ( at character 3 is never closed; write \( for a literal one"),
        ("a red) star", r"the ) at character 6 has no matching (; write \) for a literal one"),
        (
            '("a (red", "b").blend(1, 1)',
            r"the ) at character 15 has no matching (; write \) for a literal one",
        ),
        ('5" tall', r'the " at character 2 is never closed; write \" for a literal one'),
        (
            f"{'(' * 21}deep{')' * 21}",
            "more than 20 parentheses are open at character 21; multiply their weights instead",
        ),
        ("a (star:-1)", "the weight at character 8 is below 0; weights are 0 or more, and 1 has no effect"),
        ("a (star)-1.5", "the weight at character 8 is below 0; weights are 0 or more, and 1 has no effect"),
        ("cat withLora(x, 1)", "the withLora at character 5 has no effect; list LoRAs in model.loras"),
        (
            "a cat.swap(dog)",
            "the .swap at character 6 is not supported: it changes the prompt during sampling",
        ),
        ('("a", "b").blnd(1, 1)', "the .blnd at character 11 is not an operator (did you mean .blend?)"),
        (
            '("a", "b").mix(1, 1)',
            "the .mix at character 11 is not an operator; operators are .blend, .and, .add, .attend",
        ),
        (
            '("a", "b").blend(1, 1) in oil',
            "nothing may follow .blend() or .and(), but there is 'in oil'",
        ),
        (
            '("a", "b").blend(1)',
            "its .blend() or .and() takes one number for each of its prompts, or nothing",
        ),
        (
            '("a", "b").and(x, y)',
            "its .blend() or .and() takes one number for each of its prompts, or nothing",
        ),
        (
            '("a", "b").blend(1, -1)',
            "the weights of its .blend() add up to 0; add no_normalize to use them unchanged",
        ),
        (
            'an ("a", "b").and()',
            "its .and() is read as words: it must follow a list of quoted prompts in parentheses, as in "
            '("one", "other").blend(0.3, 0.7)',
        ),
        (
            "(16:9) a clock at dusk",
            r"the :9 at character 4 is read as a weight; such weights must be below 3; write \: for a literal colon",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_position(prompt, mistake):
    assert prompt_mistake(prompt) == mistake


def test_prompts_are_checked_without_torch():
    code = (
        "import sys\nfrom farm.inputs.compel_syntax import prompt_mistake\n"
        "print(prompt_mistake('(a'), 'torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout.strip() == r"the ( at character 1 is never closed; write \( for a literal one False False"
    )
