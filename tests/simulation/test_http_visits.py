"""Checking the responses of an edge."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from hushpost_client import Mode
from hushpost_demo.addresses import with_port
from hushpost_demo.child_process import Child
from hushpost_demo.edge import RunningEdge
from hushpost_demo.errors import DemoError
from hushpost_demo.mailbox import Mailbox
from tests.simulation.http_visits import Visiting
from tests.simulation.plan import Fetch, Message, Visit

MESSAGE = Message(0, "c0", "press", (Mode.IDENTIFIED, Mode.IDENTIFIED), "t", "t", "p")
PIXEL = b"GIF89a".ljust(43, b"\0")


class Answers(BaseHTTPRequestHandler):
    """Redirects all links to one URL, and returns a pixel otherwise."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Respond."""
        body = b"" if self.path.startswith("/c/") else PIXEL
        self.send_response(HTTPStatus.OK if body else HTTPStatus.FOUND)
        if not body:
            self.send_header("Location", "https://a.example.com/f%C3%BCr")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _edge() -> Iterator[RunningEdge]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield _at(f"127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def _at(address: str) -> RunningEdge:
    return RunningEdge("edge", address, cast("Child", None), "/readyz", Path())


def _visit(*fetches: Fetch) -> Visit:
    return Visit(MESSAGE, "people", {"User-Agent": "Mozilla/5.0"}, False, fetches)  # noqa: FBT003


async def test_a_wrong_redirect_is_reported() -> None:
    """Correct responses are counted; each wrong one is reported."""
    good = (
        Fetch("/c/t/1", 302, "https://a.example.com/für", 1),
        Fetch("/o/t.gif", 200, None, 0),
    )
    with _edge() as edge, Visiting(edge) as visiting:
        await visiting.visit(_visit(*good))
        assert visiting.differences == []
        await visiting.visit(_visit(Fetch("/c/t/1", 302, "https://a.example.com/", 1)))
        await visiting.visit(_visit(Fetch("/o/t.gif", 404, None, None)))
        assert visiting.requests == {"people": 4}
    redirect, status = visiting.differences
    assert redirect.startswith("redirect of a GET: expected https://a.example.com/, reported")
    assert status == "status of a GET: expected 404, reported 200"


async def test_a_stopped_edge_is_one_error() -> None:
    """The error is raised at once, and threads end."""
    before = threading.active_count()
    with (
        Visiting(_at(with_port("127.0.0.1:0", "--edge-listen"))) as visiting,
        pytest.raises(DemoError, match="the edge does not answer"),
    ):
        await visiting.visit(_visit(Fetch("/o/t.gif", 200, None, 0)))
    assert threading.active_count() == before


def test_a_mailbox_deletes_the_mail_of_the_previous_run(tmp_path: Path) -> None:
    """Mails are deleted from its folder, other files stay."""
    for name in ("reader-1.eml", "reader-1.html", "notes.txt"):
        (tmp_path / name).write_text("old")
    mailbox = Mailbox(tmp_path)
    assert mailbox.files() == []
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
