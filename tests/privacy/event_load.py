"""Generate concurrent event load over many connections, with unary calls and batches."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from hushpost_client import Event, Hushpost, RetryPolicy, Verdict
from hushpost_client._async.calls import Calls
from tests.mailing import eventually

__all__ = ["EventLoad", "event_load"]

_CONNECTIONS = 3
_CALLERS = 3
"""Per connection: one records opens, one records clicks, one sends batches."""

_BATCH = 64
_ROOT = Path(__file__).parents[2]


class EventLoad:
    """Records events for the given tokens over several connections until stopped."""

    def __init__(self, target: str, edge_key: str, tokens: Sequence[str], seed: int) -> None:
        self.acknowledged = 0
        self._target = target
        self._key = edge_key
        self._tokens = list(tokens)
        self._random = random.Random(seed)  # noqa: S311 - no secret, and repeatable
        self._is_over = asyncio.Event()

    def end(self) -> None:
        """Start no further calls."""
        self._is_over.set()

    async def run(self) -> None:
        """Record events until `end` is called."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_CONNECTIONS):
                group.create_task(self._connection())

    async def _connection(self) -> None:
        # By default the channels of a process share one connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        calls = Calls(api_key=self._key, timeout=60, retry=RetryPolicy())
        async with Hushpost(grpc.aio.insecure_channel(self._target, options), calls) as client:
            await asyncio.gather(*(self._call(client, caller) for caller in range(_CALLERS)))

    async def _call(self, client: Hushpost, caller: int) -> None:
        tracking = client.tracking
        while not self._is_over.is_set():
            if caller == 0:
                await tracking.record_open(self._token(), verdict=Verdict.HUMAN)
                self.acknowledged += 1
            elif caller == 1:
                await tracking.record_click(self._token(), 1, verdict=Verdict.HUMAN)
                self.acknowledged += 1
            else:
                events = [self._event() for _ in range(_BATCH)]
                await tracking.record_events(events)
                self.acknowledged += len(events)

    def _event(self) -> Event:
        link = self._random.choice((None, 1))
        return Event(self._token(), link_number=link, verdict=Verdict.HUMAN)

    def _token(self) -> str:
        return self._random.choice(self._tokens)

    async def wait_for_progress(self, more: int = 500) -> None:
        """Wait until `more` further events have been acknowledged."""
        enough = self.acknowledged + more

        async def has_progressed() -> bool:
            return self.acknowledged >= enough

        await eventually(has_progressed, "events are acknowledged", pause=0.01)


@asynccontextmanager
async def event_load(
    target: str, edge_key: str, tokens: Sequence[str], seed: int
) -> AsyncIterator[EventLoad]:
    """Send events to an authority until the block ends, from this process and a second one."""
    load = EventLoad(target, edge_key, tokens, seed)
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.privacy.event_load"),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    running = asyncio.create_task(load.run())
    try:
        other.stdin.write(json.dumps([target, edge_key, list(tokens), seed + 1]).encode() + b"\n")
        assert await other.stdout.readline() == b"running\n"
        await load.wait_for_progress()
        yield load
    finally:
        load.end()
        other.stdin.close()
        try:
            await running
        finally:
            await other.communicate()
    assert other.returncode == 0, "the second process failed"


async def _main() -> None:
    """Read the parameters from standard input, and send events until it is closed."""
    target, edge_key, tokens, seed = json.loads(await asyncio.to_thread(sys.stdin.readline))
    load = EventLoad(target, edge_key, tokens, seed)
    running = asyncio.create_task(load.run())
    await load.wait_for_progress(1)
    sys.stdout.write("running\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    load.end()
    await running


if __name__ == "__main__":
    asyncio.run(_main())
