"""Runs the HTTP load generator in its own process.

`python -m bench.load.http_load_process` reads commands as lines of JSON from stdin and
answers each with a line of JSON. It exits at the end of stdin, so that it cannot outlive its
parent.
"""

import asyncio
import gc
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from bench.load.http_load import ClickCycle, HttpLoad, HttpLoadError, HttpLoadResult, run_load

__all__ = ["HttpLoadProcess", "start_http_load_process"]

_MAX_CPU_SHARE = 0.9
"""Above this, the load generator itself is the bottleneck."""


class HttpLoadProcess:
    """Controls the load generator."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def set_messages(self, tokens: Sequence[str], urls: Sequence[str]) -> None:
        """Set the messages to click on, as in `ClickCycle`."""
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
    """Start the process; stop it on exit."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load.http_load_process", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    try:
        yield HttpLoadProcess(process)
    finally:
        process.stdin.close()
        await process.wait()


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    clicks = ClickCycle([], [""])
    for line in iter(sys.stdin.readline, ""):
        command = json.loads(line)
        response: dict[str, Any] = {}
        if "tokens" in command:
            clicks = ClickCycle(command["tokens"], command["urls"])
        else:
            try:
                response = asdict(run_load(clicks, HttpLoad(**command)))
            except (HttpLoadError, OSError) as error:
                response = {"error": str(error)}
        print(json.dumps(response), flush=True)


if __name__ == "__main__":
    _serve()
