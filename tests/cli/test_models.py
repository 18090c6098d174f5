"""``ecgstream models``: what a daemon answers, and what it answers when it is ending."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from ecgstream.cli import app


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (409, b'{"text": "It serves already."}', "It serves already."),
        (500, b"500 Internal Server Error", "answers 500: 500 Internal Server Error"),
        (502, b"", "answers 502"),
    ],
)
def test_a_refusal_is_a_sentence_whatever_it_is_written_in(status: int, body: bytes, expected: str, tmp_path: Path):
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        (tmp_path / "token").write_text("secret")
        given = ("--token-file", str(tmp_path / "token"), "--url", f"http://127.0.0.1:{server.server_port}")
        done = CliRunner().invoke(app, ["models", "head", "MINE", *given])
    finally:
        server.shutdown()
        server.server_close()
    assert done.exit_code == 2 and expected in done.output
