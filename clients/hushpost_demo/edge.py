"""Runs the edge as a child process that trusts the addresses in X-Forwarded-For."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from hushpost_demo.child_process import running_child
from hushpost_demo.errors import DemoError
from hushpost_demo.http_child import HttpChild
from hushpost_edge.spool_files import waiting_events

__all__ = ["RunningEdge", "running_edge"]

_SHIP_SECONDS = 60
_POLL_SECONDS = 0.1
_PROXY = "127.0.0.1/32"
_REJECTED = re.compile(r"^hushpost_edge_rejected_events_total(?:\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunningEdge(HttpChild):
    """A running edge and the folder of its spool. Its URL is the prefix of all tracking URLs."""

    spool: Path

    async def rejected(self) -> int:
        """Return how many events the authority has rejected for good since the start.

        Raises:
            DemoError: The edge does not respond.
        """
        _, text = await self.get("/metrics")
        return sum(int(float(number)) for number in _REJECTED.findall(text))

    async def wait_until_shipped(self) -> None:
        """Wait until no event waits in the spool. Raises DemoError after a minute."""
        end = time.monotonic() + _SHIP_SECONDS
        while waiting := await asyncio.to_thread(waiting_events, self.spool):
            if time.monotonic() > end:
                raise DemoError(f"{waiting} events still wait (see {self.child.log})")
            await asyncio.sleep(_POLL_SECONDS)


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
            *("--drain-seconds", "0"),
        ]
        async with running_child(edge, data_dir / "edge.log") as child:
            yield RunningEdge("edge", listen, child, "/readyz", data_dir / "edge" / "spool")
