"""The balance of Caddy between the edges, with edges that fail after they have received a request."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.deploy.compose_caddy import secure_get, start_caddy
from tests.deploy.compose_file import variables
from tests.deploy.compose_replay import ComposeReplay

HOST = variables()["CLICK_HOST"]


@dataclass
class FailingEdge:
    """An edge that is ready, and closes connections instead of answering requests for links.

    Attributes:
        received: The paths of those requests.
    """

    received: list[str] = field(default_factory=list)

    def server(self, port: int) -> ThreadingHTTPServer:
        """Return the server on a loopback port."""
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/readyz":
                    self.send_response(200)
                    self.end_headers()
                else:
                    edge.received.append(self.path)
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Do not log."""

        return ThreadingHTTPServer(("127.0.0.1", port), Handler)


@pytest.fixture
def edges(tmp_path: Path) -> Iterator[tuple[ComposeReplay, list[FailingEdge]]]:
    """Caddy in front of two such edges."""
    with ComposeReplay(tmp_path) as replay, ExitStack() as stack:
        edges = [FailingEdge(), FailingEdge()]
        for name, edge in zip(("edge-1", "edge-2"), edges, strict=True):
            server = stack.enter_context(edge.server(replay.port(name, 8080)))
            Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        start_caddy(replay)
        yield replay, edges


def test_a_click_that_an_edge_has_received_is_not_repeated(
    edges: tuple[ComposeReplay, list[FailingEdge]],
) -> None:
    """Otherwise the other edge would count it again."""
    replay, failing = edges
    assert secure_get(replay, HOST, "/c/token/1").status == 502
    assert [path for edge in failing for path in edge.received] == ["/c/token/1"]
