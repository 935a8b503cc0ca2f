"""A child process that serves HTTP: its address, and whether it is ready."""

import asyncio
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from hushpost_demo.child_process import Child
from hushpost_demo.errors import DemoError

__all__ = ["HttpChild"]

_START_SECONDS = 60
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class HttpChild:
    """A running program that serves HTTP.

    Attributes:
        name: What error messages call it.
        address: Where it listens, `host:port`.
        child: The process.
        health_path: The path that returns 200 once it has started.
    """

    name: str
    address: str
    child: Child
    health_path: str

    @property
    def url(self) -> str:
        """The prefix of all URLs."""
        return f"http://{self.address}"

    def connect(self) -> HTTPConnection:
        """Return an HTTP connection, which opens with the first request."""
        return HTTPConnection(self.address, timeout=_TIMEOUT_SECONDS)

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text of a path. Raises DemoError if there is no response."""
        try:
            return await asyncio.to_thread(self._get, path)
        except (OSError, HTTPException) as error:
            raise DemoError(f"the {self.name} does not respond: {error}") from error

    async def ready(self) -> None:
        """Wait until the program has started. Raises DemoError after a minute."""
        end = time.monotonic() + _START_SECONDS
        while not await self._is_ready():
            if time.monotonic() > end:
                line = self.child.last_log_line()
                raise DemoError(f"the {self.name} did not start: {line} (see {self.child.log})")
            await asyncio.sleep(_POLL_SECONDS)

    async def _is_ready(self) -> bool:
        try:
            status, _ = await self.get(self.health_path)
        except DemoError:
            return False
        return status == 200  # noqa: PLR2004

    def _get(self, path: str) -> tuple[int, str]:
        connection = self.connect()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
