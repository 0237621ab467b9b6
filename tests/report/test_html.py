import json
from html.parser import HTMLParser

import pytest

from farm.report.html import embedded_json, relative_link
from tests.report.hostile import EVERYTHING


class Script(HTMLParser):
    """The texts of script elements, as a browser splits them."""

    def __init__(self, page):
        super().__init__()
        self.texts = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.texts.append("")

    def handle_data(self, data):
        self.texts[-1] += data


@pytest.mark.parametrize("text", [EVERYTHING, "<!--<script>", "]]>", "\u2028"])
def test_json_in_a_page_is_read_as_it_was_written(text):
    (script,) = Script(f"<script>{embedded_json({'x': text})}</script>").texts
    assert json.loads(script) == {"x": text}


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("demo.gif", "./demo.gif"),
        ("a b/c?d#e.png", "./a%20b/c%3Fd%23e.png"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("//elsewhere.example/x", "./elsewhere.example/x"),
        ("קובץ.png", "./%D7%A7%D7%95%D7%91%D7%A5.png"),
    ],
)
def test_a_link_is_relative_to_the_page(path, link):
    assert relative_link(path) == link
