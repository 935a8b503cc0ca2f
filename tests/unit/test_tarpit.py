"""Nothing more is received from connections that flood the authority without a valid key."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hushpost_service.admin.tarpit import Tarpit

ARRIVES_SECONDS = 10.0
SILENT_SECONDS = 0.3


class Connection:
    """Both ends of a TCP connection, and the client's address as gRPC names it."""

    def __init__(self, listener: socket.socket) -> None:
        self.client = socket.create_connection(listener.getsockname()[:2])
        self.server, (host, port, *_) = listener.accept()
        self.peer = f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"

    def arrives(self, seconds: float) -> bool:
        """Send a byte; return whether it arrives."""
        self.client.send(b"x")
        return bool(select.select([self.server], [], [], seconds)[0])


@pytest.fixture(params=["ipv4", "ipv6", "ipv4 to an ipv6 socket"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], Connection]]:
    """Return a function that opens a connection."""
    dual = request.param == "ipv4 to an ipv6 socket"
    host = {"ipv4": "127.0.0.1", "ipv6": "::1"}.get(request.param, "::")
    family = socket.AF_INET if request.param == "ipv4" else socket.AF_INET6
    with ExitStack() as stack:
        try:
            listener = socket.create_server((host, 0), family=family, dualstack_ipv6=dual)
        except OSError:
            pytest.skip("this machine has no IPv6")
        stack.enter_context(listener)

        def opened() -> Connection:
            connection = Connection(listener)
            stack.enter_context(connection.client)
            stack.enter_context(connection.server)
            return connection

        yield opened


def test_nothing_more_is_received_from_a_stopped_connection(
    connect: Callable[[], Connection],
) -> None:
    """Bytes of other connections still arrive, also of one that is opened later."""
    tarpit, stopped, other = Tarpit(), connect(), connect()
    tarpit.stop(stopped.peer)
    later = connect()
    assert other.arrives(ARRIVES_SECONDS)
    assert later.arrives(ARRIVES_SECONDS)
    assert not stopped.arrives(SILENT_SECONDS)


def test_a_connection_that_a_valid_key_came_over_is_not_stopped(
    connect: Callable[[], Connection],
) -> None:
    """A proxy may send calls with and without valid keys over the same connection."""
    tarpit, connection = Tarpit(), connect()
    tarpit.trust(connection.peer)
    tarpit.stop(connection.peer)
    assert connection.arrives(ARRIVES_SECONDS)


def test_a_file_number_that_was_reused_is_not_stopped(connect: Callable[[], Connection]) -> None:
    """A connection that has the number of one that was found earlier keeps working."""
    tarpit, closed = Tarpit(), connect()
    tarpit.stop(closed.peer)
    number = closed.server.fileno()
    closed.server.close()
    other = connect()
    assert number in (other.server.fileno(), other.client.fileno())
    tarpit.stop(closed.peer)
    assert other.arrives(ARRIVES_SECONDS)


def test_stopping_leaves_no_file_open(connect: Callable[[], Connection]) -> None:
    """Neither do peers that are not connected or have no address."""
    tarpit, connection = Tarpit(), connect()
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - counts names
    for peer in (connection.peer, "ipv4:192.0.2.1:9", "unix:", "ipv4:nonsense", ""):
        tarpit.stop(peer)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - as above
