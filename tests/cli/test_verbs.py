"""The table of verbs, from which `farm --help` is printed without importing them."""

import pytest

from farm.cli.app import VERBS, command


@pytest.mark.parametrize("name", VERBS)
def test_the_summary_of_a_verb_is_the_first_line_of_its_help(name):
    assert VERBS[name][1] == (command(name).help or "").partition("\n")[0]
