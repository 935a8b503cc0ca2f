"""Clicks over HTTP, as fast as answers come or at a fixed rate; checks each answer.

Sockets and epoll, without an event loop or a parser of HTTP: what the load
generator takes of two cores is missing to what it measures.
"""

import math
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["Clicks", "LoadError", "Order", "Outcome", "clicked"]

_PATIENCE_SECONDS = 10.0
_HEADERS = (
    "Host: links.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en\r\n\r\n"
)


class LoadError(Exception):
    """An answer did not come, or was not the right one."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: for so long, so many clicks a second (None: as many as can be)."""

    port: int
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `answered` is all that was sent; times are in seconds.

    `seconds` runs from the first click to the last answer. `busy` is processor
    time of the load generator. The latency of a click begins when it was due,
    whether or not it could be sent then.
    """

    answered: int
    seconds: float
    busy: float
    median: float
    p99: float

    @property
    def rate(self) -> float:
        """Clicks per second."""
        return self.answered / self.seconds


class Clicks:
    """One click per message, over and over; a message always on the same link."""

    def __init__(self, tokens: Sequence[str], urls: Sequence[str]) -> None:
        wanted = [b"\r\nlocation: " + url.encode() + b"\r\n" for url in urls]
        self._clicks = []
        for place, token in enumerate(tokens):
            link = place % len(urls)
            request = f"GET /c/{token}/{link + 1} HTTP/1.1\r\n{_HEADERS}"
            self._clicks.append((request.encode(), wanted[link]))
        self._next = 0

    def take(self) -> tuple[bytes, bytes]:
        """Return a request, and what has to stand in its answer."""
        click = self._clicks[self._next]
        self._next = (self._next + 1) % len(self._clicks)
        return click


class _Connection:
    """A connection that is kept; at most one click is under way on it."""

    __slots__ = ("due", "fileno", "received", "recv", "send", "socket", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.fileno, self.send, self.recv = (
            self.socket.fileno(),
            self.socket.send,
            self.socket.recv,
        )
        self.due, self.wanted, self.received = 0.0, b"", b""


class _Load:
    def __init__(self, clicks: Clicks, order: Order) -> None:
        self._clicks = clicks
        self._order = order
        self._latencies = array("d")
        self._under_way = 0
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}

    def __enter__(self) -> Self:
        for _ in range(self._order.connections):
            connection = _Connection(self._order.port)
            self._connections[connection.fileno] = connection
            self._epoll.register(connection.fileno, select.EPOLLIN)
        # Whoever started this holds the other end: it ends together with them.
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._epoll.close()

    def run(self) -> Outcome:
        """Click until the time is over, and wait for all answers."""
        start, busy = time.perf_counter(), time.process_time()
        if self._order.rate is None:
            self._as_answers_come(start + self._order.seconds)
        else:
            self._at_rate(start, self._order.rate)
        seconds = time.perf_counter() - start
        ordered = sorted(self._latencies)
        return Outcome(
            answered=len(ordered),
            seconds=seconds,
            busy=time.process_time() - busy,
            median=_percentile(ordered, 0.5),
            p99=_percentile(ordered, 0.99),
        )

    def _as_answers_come(self, end: float) -> None:
        for connection in self._connections.values():
            self._send(connection, time.perf_counter())
        while self._under_way:
            for connection in self._answered(_PATIENCE_SECONDS):
                now = time.perf_counter()
                if now < end:
                    self._send(connection, now)

    def _at_rate(self, start: float, rate: float) -> None:
        idle = deque(self._connections.values())
        count, sent = round(rate * self._order.seconds), 0
        while sent < count or self._under_way:
            now = time.perf_counter()
            while idle and sent < count and (due := start + sent / rate) <= now:
                self._send(idle.popleft(), due)
                sent += 1
            is_waiting = sent == count or not idle
            idle += self._answered(
                _PATIENCE_SECONDS if is_waiting else max(start + sent / rate - now, 0)
            )

    def _send(self, connection: _Connection, due: float) -> None:
        request, connection.wanted = self._clicks.take()
        connection.due = due
        if connection.send(request) != len(request):
            raise LoadError("a request did not go out in one piece")
        self._under_way += 1

    def _answered(self, seconds: float) -> list[_Connection]:
        """Wait so long at most; return the connections whose answers are complete."""
        # select, because epoll itself waits in whole milliseconds.
        ready, _, _ = select.select([self._epoll], [], [], seconds)
        if not ready and seconds >= _PATIENCE_SECONDS:
            raise LoadError("an answer does not come")
        done = []
        for fileno, _ in self._epoll.poll(0):
            connection = self._connections.get(fileno)
            if connection is None:
                sys.exit()
            if self._is_answered(connection):
                done.append(connection)
        return done

    def _is_answered(self, connection: _Connection) -> bool:
        data = connection.recv(65_536)
        if not data:
            raise LoadError("the server closed a connection")
        if connection.received or not data.endswith(b"\r\n\r\n"):
            connection.received = data = connection.received + data
            if not data.endswith(b"\r\n\r\n"):
                return False
            connection.received = b""
        if not data.startswith(b"HTTP/1.1 302 ") or connection.wanted not in data:
            raise LoadError(f"not the right redirect: {data[:400]!r}")
        self._latencies.append(time.perf_counter() - connection.due)
        self._under_way -= 1
        return True


def clicked(clicks: Clicks, order: Order) -> Outcome:
    """Do what is ordered. Raises LoadError, OSError."""
    with _Load(clicks, order) as load:
        return load.run()


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]
