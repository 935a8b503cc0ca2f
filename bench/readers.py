"""Readers who click: the HTTP load generator, a process of its own.

`python -m bench.readers` takes orders, a line of JSON each, and ends with its
standard input, so that it cannot outlive who started it.
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

from bench.clicking import Clicks, LoadError, Order, Outcome, clicked

__all__ = ["Readers", "opened_readers"]

_SHARE = 0.9
"""A load generator that takes more of its core measures itself."""


class Readers:
    """Asks the process to click."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def take(self, tokens: Sequence[str], urls: Sequence[str]) -> None:
        """Give readers their mail: message i clicks on link i modulo the number of links."""
        await self._ask({"tokens": list(tokens), "urls": list(urls)})

    async def click(self, order: Order) -> Outcome:
        """Have them click; fail unless each click was answered with the right redirect."""
        outcome = Outcome(**await self._ask(asdict(order)))
        share = outcome.busy / outcome.seconds
        assert share < _SHARE, f"the load generator took {share:.0%} of a core"
        return outcome

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        assert line, "the load generator died"
        answer: dict[str, Any] = json.loads(line)
        assert "failure" not in answer, answer
        return answer


@asynccontextmanager
async def opened_readers() -> AsyncIterator[Readers]:
    """Run the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.readers", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    try:
        yield Readers(process)
    finally:
        process.stdin.close()
        await process.wait()


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    clicks = Clicks([], [""])
    for line in iter(sys.stdin.readline, ""):
        question = json.loads(line)
        answer: dict[str, Any] = {}
        if "tokens" in question:
            clicks = Clicks(question["tokens"], question["urls"])
        else:
            try:
                answer = asdict(clicked(clicks, Order(**question)))
            except (LoadError, OSError) as error:
                answer = {"failure": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
