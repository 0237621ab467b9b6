"""Extend the documentation site with pages from outside docs/, and resolve the repository's relative links.

A hook of MkDocs (see mkdocs.yml). Links in the repository's Markdown files are relative to the file, so that they work
on GitHub and in an editor. On the site a link to another page leads to that page, and a link to any other file of the
repository leads to GitHub. A link to a missing file is a warning, which fails a strict build.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security-policy.md",
    "manifests/README.md": "manifests/index.md",
    **{
        path.relative_to(ROOT).as_posix(): f"models/{path.parent.name}.md"
        for path in (ROOT / "farm" / "models").glob("*/README.md")
    },
}
"""Files outside docs/, by their path in the repository, and their pages."""

_LINK = re.compile(r'(?P<before>\]\(|\b(?:src|srcset|href)=")(?P<target>[^)\s"#:]+)(?=[)#"])')
_log = logging.getLogger("mkdocs.hooks.docs_site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with links that lead to pages of the site or to GitHub."""
    uri = page.file.src_uri
    source = {target: origin for origin, target in PAGES.items()}.get(uri, f"docs/{uri}")

    def resolved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
        if not (ROOT / target).exists():
            _log.warning("%s links to %s, which does not exist", source, target)
            return match[0]
        if (ROOT / target / "README.md").exists():
            target += "/README.md"
        here = PAGES.get(target, target.removeprefix("docs/"))
        if target in PAGES or target.startswith("docs/"):
            link = posixpath.relpath(here, posixpath.dirname(uri) or ".")
        else:
            link = f"{config.repo_url}/blob/main/{target}"
        return match["before"] + link

    return _LINK.sub(resolved, markdown)
