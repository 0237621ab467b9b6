"""A local stand-in for the Hugging Face hub, which serves folders as repositories at a commit.

It answers huggingface_hub's requests for the list of a repository's files at a commit, and for each file. `requests`
lists the paths of all requests, so that tests can check that only the expected files were fetched.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import huggingface_hub.constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_TREE = re.compile(r"/api/models/([\w.-]+/[\w.-]+)/tree/([0-9a-f]{40})")
_FILE = re.compile(r"/([\w.-]+/[\w.-]+)/resolve/([0-9a-f]{40})/(.+)")


class StandInHub:
    """A local hub; `folders` are the repositories by their ids, each with one commit, `COMMIT`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.folders: dict[str, Path] = {}
        self.requests: list[str] = []

    @property
    def fetched(self) -> set[str]:
        """The names of the files that were downloaded."""
        return {match[3] for path in self.requests if (match := _FILE.fullmatch(path))}


@contextmanager
def stand_in_hub(cache: Path, monkeypatch) -> Iterator[StandInHub]:
    """Serve repositories on the loopback interface as the hub of this process, with an empty cache."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    hub = StandInHub(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = partial(_Handler, hub)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    for name, value in (
        ("HF_HUB_OFFLINE", False),
        ("HF_HUB_CACHE", str(cache)),
        ("ENDPOINT", hub.address),
        ("HUGGINGFACE_CO_URL_TEMPLATE", template),
    ):
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, hub: StandInHub, *arguments) -> None:
        self._hub = hub
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self._hub.requests.append(path)
        if match := _TREE.fullmatch(path):
            folder = self._hub.folders.get(match[1])
            files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder else []
            self._send(json.dumps([_entry(folder, file) for file in files]).encode(), with_body=with_body)
        elif (match := _FILE.fullmatch(path)) and (file := self._file(match[1], match[3])):
            self._send(file.read_bytes(), with_body=with_body)
        else:
            self.send_error(404)

    def _file(self, hub_id: str, name: str) -> Path | None:
        folder = self._hub.folders.get(hub_id)
        return folder / name if folder and (folder / name).is_file() else None

    def _send(self, body: bytes, *, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_oid(body)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _entry(folder: Path, file: Path) -> dict[str, object]:
    content = file.read_bytes()
    return {
        "type": "file",
        "path": file.relative_to(folder).as_posix(),
        "size": len(content),
        "oid": _oid(content),
    }


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
