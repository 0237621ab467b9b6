"""A local S3 server: moto's, behind a proxy that injects faults, so that they come from the network."""

from __future__ import annotations

import contextlib
import http.client
import logging
import random
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moto.server import ThreadedMotoServer

from farm.store import retries

BUCKET = "renders"
_ERROR = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
_UNWANTED = {"connection", "transfer-encoding", "content-length", "date", "server"}

INTERNAL_ERROR = "500 InternalError"
SLOW_DOWN = "503 SlowDown"
RESET = "connection reset before the request reached the store"
LOST_ANSWER = "connection reset after the request was done"
FAULTS = (INTERNAL_ERROR, SLOW_DOWN, RESET, LOST_ANSWER)


class FaultyStore:
    """An S3 server at `url` whose `next_fault` returns the fault of each request, by method and path, or None.

    `done` are the requests that reached the store, `faults` the ones with an injected fault.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._moto.start()
        self._store = self._moto.get_host_and_port()
        self._one_by_one = threading.Lock()  # moto's check of a condition and its write are two steps
        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._proxy.daemon_threads = True
        self._thread = threading.Thread(target=self._proxy.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = "http://{}:{}".format(*self._proxy.server_address)
        self.heal()
        self._forward("POST", "/moto-api/reset", {}, b"")  # its stores outlive its servers
        self._forward("PUT", f"/{BUCKET}", {}, b"")

    def heal(self) -> None:
        """Inject no more faults, and reset the counts."""
        self.next_fault = lambda method, path: None
        self.done: list[tuple[str, str]] = []
        self.faults: list[tuple[str, str, str]] = []

    def fail_at_random(self, share: float, seed: int) -> None:
        """Fail this share of the requests, with all kinds of faults equally likely."""
        draw, guard = random.Random(seed), threading.Lock()

        def next_fault(method, path):
            with guard:
                return draw.choice(FAULTS) if draw.random() < share else None

        self.next_fault = next_fault

    def keys(self) -> list[str]:
        """Return the keys of all objects in the bucket."""
        import boto3

        client = boto3.client("s3", endpoint_url="http://{}:{}".format(*self._store))
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def close(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._moto.stop()

    def _forward(self, method, path, headers, body):
        with self._one_by_one:
            connection = http.client.HTTPConnection(*self._store, timeout=30)
            with contextlib.closing(connection):
                connection.request(method, path, body=body, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()

    def _handler(store):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def answer(self):
                body = self._body()
                fault = store.next_fault(self.command, self.path)
                if fault:
                    store.faults.append((fault, self.command, self.path))
                if fault == RESET:
                    self._reset()
                elif fault and fault != LOST_ANSWER:
                    status, code = fault.split()
                    self._send(
                        int(status), [("Content-Type", "application/xml")], _ERROR.format(code=code).encode()
                    )
                else:
                    headers = {
                        name: value for name, value in self.headers.items() if name.lower() not in _UNWANTED
                    }
                    status, answered, content = store._forward(self.command, self.path, headers, body)
                    store.done.append((self.command, self.path))
                    if fault == LOST_ANSWER:
                        self._reset()
                    else:
                        self._send(status, answered, content)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

            def _body(self):
                if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)

            def _send(self, status, headers, content):
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in _UNWANTED:
                        self.send_header(name, value)
                length = {name.lower(): value for name, value in headers}.get("content-length")
                self.send_header(
                    "Content-Length", length if self.command == "HEAD" and length else str(len(content))
                )
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def _reset(self):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_):
                pass

        return Handler


@contextlib.contextmanager
def faulty_store(monkeypatch):
    """Provide a store for fsspec's s3:// URLs in this process and its children; waits before retries are short."""
    monkeypatch.setattr(retries, "_MAX_WAIT_SECONDS", 0.1)
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_, **__: 0.01)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    store = FaultyStore()
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()  # an instance keeps its first endpoint
    try:
        yield store
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        store.close()
