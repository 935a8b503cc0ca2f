"""HTTP load generator for clicks: closed loop or at a fixed rate; checks every redirect.

Plain sockets and epoll, without an event loop or an HTTP parser: CPU time of the load
generator is missing to the servers that it measures on the same two cores.
"""

import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bench.results import percentile

__all__ = ["ClickCycle", "HttpLoad", "HttpLoadError", "HttpLoadResult", "run_load"]

_RESPONSE_TIMEOUT_SECONDS = 10.0
_HEADERS = (
    "Host: links.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: cross-site\r\n\r\n"
)


class HttpLoadError(Exception):
    """A response is missing or is not the expected redirect."""


@dataclass(frozen=True, slots=True)
class HttpLoad:
    """A load to generate; `rate` is in clicks per second, None means as fast as possible."""

    port: int
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class HttpLoadResult:
    """The outcome of a load in which every click was redirected.

    Attributes:
        clicks: Number of clicks.
        seconds: From the first click to the last response.
        cpu_seconds: CPU time of the load generator.
        p99: 99th percentile of the latency in seconds, from when a click was due.
    """

    clicks: int
    seconds: float
    cpu_seconds: float
    p99: float

    @property
    def rate(self) -> float:
        """Clicks per second."""
        return self.clicks / self.seconds

    @property
    def cpu_share(self) -> float:
        """Share of one core that the load generator used."""
        return self.cpu_seconds / self.seconds


class ClickCycle:
    """Yields one click per message, over and over; message i clicks on link i modulo their count.

    Requests and expected headers are encoded once, in advance.
    """

    def __init__(self, tokens: Sequence[str], urls: Sequence[str]) -> None:
        locations = [b"\r\nlocation: " + url.encode() + b"\r\n" for url in urls]
        self._clicks = []
        for place, token in enumerate(tokens):
            link = place % len(urls)
            request = f"GET /c/{token}/{link + 1} HTTP/1.1\r\n{_HEADERS}"
            self._clicks.append((request.encode(), locations[link]))
        self._next = 0

    def take(self) -> tuple[bytes, bytes]:
        """Return a request and the header that its response must contain."""
        click = self._clicks[self._next]
        self._next = (self._next + 1) % len(self._clicks)
        return click


class _Connection:
    """A keep-alive connection with at most one request in flight."""

    __slots__ = ("due", "expected", "fileno", "received", "recv", "send", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _RESPONSE_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.fileno, self.send, self.recv = (
            self.socket.fileno(),
            self.socket.send,
            self.socket.recv,
        )
        self.due, self.expected, self.received = 0.0, b"", b""


class _LoadRun:
    def __init__(self, clicks: ClickCycle, load: HttpLoad) -> None:
        self._clicks = clicks
        self._load = load
        self._latencies = array("d")
        self._in_flight = 0
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}

    def __enter__(self) -> Self:
        for _ in range(self._load.connections):
            connection = _Connection(self._load.port)
            self._connections[connection.fileno] = connection
            self._epoll.register(connection.fileno, select.EPOLLIN)
        # The parent holds the other end of stdin: its end of file means exit.
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._epoll.close()

    def run(self) -> HttpLoadResult:
        """Click until the time is over, and wait for all responses."""
        start, cpu_start = time.perf_counter(), time.process_time()
        if self._load.rate is None:
            self._run_closed_loop(start + self._load.seconds)
        else:
            self._run_at_rate(start, self._load.rate)
        seconds = time.perf_counter() - start
        return HttpLoadResult(
            clicks=len(self._latencies),
            seconds=seconds,
            cpu_seconds=time.process_time() - cpu_start,
            p99=percentile(self._latencies, 0.99),
        )

    def _run_closed_loop(self, end: float) -> None:
        for connection in self._connections.values():
            self._send(connection, time.perf_counter())
        while self._in_flight:
            for connection in self._receive(_RESPONSE_TIMEOUT_SECONDS):
                now = time.perf_counter()
                if now < end:
                    self._send(connection, now)

    def _run_at_rate(self, start: float, rate: float) -> None:
        idle = deque(self._connections.values())
        count, sent = round(rate * self._load.seconds), 0
        while sent < count or self._in_flight:
            now = time.perf_counter()
            while idle and sent < count and (due := start + sent / rate) <= now:
                self._send(idle.popleft(), due)
                sent += 1
            must_wait_for_response = sent == count or not idle
            idle += self._receive(
                _RESPONSE_TIMEOUT_SECONDS
                if must_wait_for_response
                else max(start + sent / rate - now, 0)
            )

    def _send(self, connection: _Connection, due: float) -> None:
        request, connection.expected = self._clicks.take()
        connection.due = due
        if connection.send(request) != len(request):
            raise HttpLoadError("the socket accepted only part of a request")
        self._in_flight += 1

    def _receive(self, seconds: float) -> list[_Connection]:
        """Wait up to `seconds`; return the connections whose responses are complete."""
        # select, because epoll_wait only has a resolution of milliseconds.
        ready, _, _ = select.select([self._epoll], [], [], seconds)
        if not ready and seconds >= _RESPONSE_TIMEOUT_SECONDS:
            raise HttpLoadError(f"no response within {_RESPONSE_TIMEOUT_SECONDS:g} s")
        done = []
        for fileno, _ in self._epoll.poll(0):
            connection = self._connections.get(fileno)
            if connection is None:  # stdin
                sys.exit()
            if self._read(connection):
                done.append(connection)
        return done

    def _read(self, connection: _Connection) -> bool:
        """Read from a connection; return whether its response is complete."""
        data = connection.recv(65_536)
        if not data:
            raise HttpLoadError("the server closed a connection")
        if connection.received or not data.endswith(b"\r\n\r\n"):
            connection.received = data = connection.received + data
            if not data.endswith(b"\r\n\r\n"):
                return False
            connection.received = b""
        if not data.startswith(b"HTTP/1.1 302 ") or connection.expected not in data:
            raise HttpLoadError(f"unexpected response: {data[:400]!r}")
        self._latencies.append(time.perf_counter() - connection.due)
        self._in_flight -= 1
        return True


def run_load(clicks: ClickCycle, load: HttpLoad) -> HttpLoadResult:
    """Generate a load. Raises HttpLoadError or OSError."""
    with _LoadRun(clicks, load) as run:
        return run.run()
