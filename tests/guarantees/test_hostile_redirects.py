"""An address that would redirect to another one gets no request."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from farm.cli import main
from tests.guarantees.refusal import write


@pytest.fixture
def redirecting():
    """A server on this machine that redirects every request to a link-local address; and the requests."""
    asked = []

    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.end_headers()

        do_HEAD = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Redirects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("place", ["model", "lora", "output"])
def test_an_address_that_redirects_is_refused_without_a_request(
    redirecting, tmp_path, capsys, monkeypatch, place
):
    address, asked = redirecting
    opened = []
    monkeypatch.setattr("farm.execute.open_executor", lambda **options: opened.append(options))
    model = {"pipeline": "StableDiffusionPipeline", "pretrained": "tiny-world"}
    if place == "model":
        model["pretrained"] = f"{address}/model.safetensors"
    if place == "lora":
        model["loras"] = [{"pretrained": f"{address}/lora.safetensors"}]
    output = f"{address}/out" if place == "output" else str(tmp_path / "out")
    with pytest.raises(SystemExit) as stop:
        main(["render", str(write(tmp_path, model=model)), "--output-dir", output])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert address in message
    if place != "output":
        assert f"{tmp_path}/m.yaml:1:" in message
    assert (asked, opened) == ([], [])
