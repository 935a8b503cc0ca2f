"""Runs the edge as a child process that trusts the addresses in X-Forwarded-For."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.resources import as_file, files
from pathlib import Path

from hushpost_demo.child_process import Child, running_child
from hushpost_demo.errors import DemoError
from hushpost_edge.spool_files import waiting_events

__all__ = ["RunningEdge", "running_edge"]

_START_SECONDS = 60
_SHIP_SECONDS = 60
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 10
_PROXY = "127.0.0.1/32"
_REJECTED = re.compile(r"^hushpost_edge_rejected_events_total(?:\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunningEdge:
    """A running edge, its HTTP address, and the folder of its spool."""

    address: str
    child: Child
    spool: Path

    @property
    def url(self) -> str:
        """The prefix of all tracking URLs."""
        return f"http://{self.address}"

    def connect(self) -> HTTPConnection:
        """Return an HTTP connection, which opens with the first request."""
        return HTTPConnection(self.address, timeout=_TIMEOUT_SECONDS)

    async def rejected(self) -> int:
        """Return how many events the authority has rejected for good since the start.

        Raises:
            DemoError: The edge does not respond.
        """
        try:
            _, text = await asyncio.to_thread(self._get, "/metrics")
        except (OSError, HTTPException) as error:
            raise DemoError(f"the edge does not respond: {error}") from error
        return sum(int(float(number)) for number in _REJECTED.findall(text))

    async def wait_until_shipped(self) -> None:
        """Wait until no event waits in the spool. Raises DemoError after a minute."""
        end = time.monotonic() + _SHIP_SECONDS
        while waiting := await asyncio.to_thread(waiting_events, self.spool):
            if time.monotonic() > end:
                raise DemoError(f"{waiting} events still wait (see {self.child.log})")
            await asyncio.sleep(_POLL_SECONDS)

    async def ready(self) -> None:
        """Wait until the edge has all links. Raises DemoError after a minute."""
        end = time.monotonic() + _START_SECONDS
        while not await self._is_ready():
            if time.monotonic() > end:
                line = self.child.last_log_line()
                raise DemoError(f"the edge did not start: {line} (see {self.child.log})")
            await asyncio.sleep(_POLL_SECONDS)

    async def _is_ready(self) -> bool:
        try:
            status, _ = await asyncio.to_thread(self._get, "/readyz")
        except (OSError, HTTPException):
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


@asynccontextmanager
async def running_edge(
    command: Path, data_dir: Path, listen: str, authority: str, key: Path
) -> AsyncIterator[RunningEdge]:
    """Run `hushpost edge` until the block ends. Await `ready` before using it."""
    with as_file(files("hushpost_demo") / "gateways.txt") as gateways:
        edge: list[str | Path] = [
            *(command, "edge", "--listen", listen, "--authority", authority),
            *("--api-key-file", key, "--data-dir", data_dir / "edge"),
            *("--trusted-proxies", _PROXY, "--scanner-ranges", gateways),
        ]
        async with running_child(edge, data_dir / "edge.log") as child:
            yield RunningEdge(listen, child, data_dir / "edge" / "spool")
