"""Sends HTTP requests to an edge, as browsers and machines do."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from queue import SimpleQueue
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from hushpost_demo.edge import RunningEdge
from hushpost_demo.errors import DemoError
from tests.simulation.plan import Fetch, Visit

__all__ = ["Visiting"]

_CONNECTIONS = 12
_GIF_BYTES = 43


class Visiting:
    """A pool of HTTP connections to an edge, used in threads; a context manager.

    Attributes:
        requests: Requests by kind of visitor.
        differences: Unexpected responses.
    """

    def __init__(self, edge: RunningEdge) -> None:
        self.requests: Counter[str] = Counter()
        self.differences: list[str] = []
        self._threads = ThreadPoolExecutor(_CONNECTIONS, "visitor")
        self._idle: SimpleQueue[HTTPConnection] = SimpleQueue()
        self._connections = [edge.connect() for _ in range(_CONNECTIONS)]
        for connection in self._connections:
            self._idle.put(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def visit(self, visit: Visit) -> None:
        """Send the requests of a visit.

        Raises:
            DemoError: if the edge does not answer.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._visit, visit)
        self.differences += found
        self.requests[visit.who] += len(visit.fetches)

    def _visit(self, visit: Visit) -> list[str]:
        connection = self._idle.get()
        try:
            return [
                difference
                for fetch in visit.fetches
                for difference in _fetch(connection, fetch, visit.headers)
            ]
        except (OSError, HTTPException) as error:
            connection.close()
            raise DemoError(f"the edge does not answer: {error}") from error
        finally:
            self._idle.put(connection)


def _fetch(connection: HTTPConnection, fetch: Fetch, headers: dict[str, str]) -> list[str]:
    """Send a request; return how the response differs from the expected one."""
    connection.request(fetch.method, fetch.path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    location = answer.headers.get("Location")
    expected = fetch.location
    if expected is not None and not expected.isascii() and location and location.isascii():
        # The edge encodes the characters of a registered URL that are not ASCII.
        expected, location = unquote(expected), unquote(location)
    found = [
        ("status", fetch.status, answer.status),
        ("redirect", expected, location),
    ]
    if fetch.status == 200:
        found.append(("bytes of the pixel", _GIF_BYTES, len(body)))
    return [
        f"{what} of a {fetch.method}: expected {expected}, reported {reported}"
        for what, expected, reported in found
        if expected != reported
    ]
