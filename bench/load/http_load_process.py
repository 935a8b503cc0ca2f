"""Runs the HTTP load generator, `bench/load/http_load`."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from bench.load.go_program import built_go_program

__all__ = ["HttpLoad", "HttpLoadProcess", "HttpLoadResult", "start_http_load_process"]

_MAX_CPU_SHARE = 0.9
"""Above this, the load generator itself is the bottleneck."""


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


class HttpLoadProcess:
    """Controls the load generator."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def set_messages(self, tokens: Sequence[str], urls: Sequence[str]) -> None:
        """Set the messages to click on, by their tokens; message i clicks on link i modulo their number."""
        await self._call({"tokens": list(tokens), "urls": list(urls)})

    async def run(self, load: HttpLoad) -> HttpLoadResult:
        """Generate a load; assert that every click was redirected correctly."""
        result = HttpLoadResult(**await self._call(asdict(load)))
        share = result.cpu_share
        assert share < _MAX_CPU_SHARE, f"the load generator used {share:.0%} of a core"
        return result

    async def _call(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        assert line, "the load generator died"
        response: dict[str, Any] = json.loads(line)
        assert "error" not in response, response
        return response


@asynccontextmanager
async def start_http_load_process() -> AsyncIterator[HttpLoadProcess]:
    """Build and start the load generator; stop it on exit."""
    async with built_go_program("http_load") as program:
        process = await asyncio.create_subprocess_exec(program, stdin=PIPE, stdout=PIPE)
        assert process.stdin is not None
        try:
            yield HttpLoadProcess(process)
        finally:
            process.stdin.close()
            await process.wait()
