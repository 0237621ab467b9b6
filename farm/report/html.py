"""Templates, styles and scripts combined into one self-contained page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from farm.report import wording
from farm.units import format_duration, format_size

_STATIC = Path(__file__).parent / "static"


def render_page(
    template: str, *, styles: Sequence[str], scripts: Sequence[str], values: Mapping[str, object]
) -> bytes:
    """Return a page with the named styles and scripts, in this order.

    Its Content-Security-Policy allows exactly these styles, this script and embedded pictures: injected code would not
    run, and nothing is downloaded.
    """
    style = "\n".join(_static(name) for name in styles)
    plain_style = _static("noscript.css")
    bodies = "\n".join(_static(name) for name in scripts)
    script = f'(() => {{\n"use strict";\n{bodies}\n}})();\n'
    html = (
        _environment()
        .get_template(template)
        .render(
            **values,
            style=Markup(style),
            plain_style=Markup(plain_style),
            script=Markup(script),
            policy=(
                f"default-src 'none'; img-src data: {values.get('picture_sources', '')}; base-uri 'none'; "
                f"form-action 'none'; style-src '{_digest(style)}' '{_digest(plain_style)}'; "
                f"script-src '{_digest(script)}'"
            ),
        )
    )
    return html.encode("utf-8", "replace")


def embedded_json(value: object) -> Markup:
    """Return JSON that is safe inside a script element, whatever its texts."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def data_uri(webp: bytes) -> Markup:
    """Return a WebP picture as a data URI."""
    return Markup("data:image/webp;base64," + base64.b64encode(webp).decode("ascii"))


def relative_link(path: str) -> str:
    """Return the URL of a file relative to the page; no file name can become a scheme or another host."""
    return "./" + quote(path.lstrip("/"), errors="replace")


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("farm.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        wording.count,
        wording.date,
        wording.linked,
        wording.span,
    ):
        environment.filters[function.__name__] = function
    environment.filters |= {"duration": format_duration, "size": format_size}
    environment.filters |= {"data_uri": data_uri, "embedded": embedded_json, "link": relative_link}
    return environment
