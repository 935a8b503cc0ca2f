"""Clicks on the links of a campaign through all edges, at a fixed rate, without an end."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count, islice
from typing import Self

from bench.load.call_load_process import CallLoad
from bench.load.http_load_process import (
    HttpLoad,
    HttpLoadProcess,
    HttpLoadResult,
    start_http_load_process,
)
from bench.load.rpc_clicks import click_calls, click_requests
from bench.scenario import LINKS, SEED, MailingShape
from bench.soak.installation import Installation

__all__ = ["SteadyLoad", "load_generators"]

_CONNECTIONS = 64
_CALLERS = 64
_SHAPE = MailingShape(20, 500)
_OPTED_OUT = 0.2
_CALIBRATION_SECONDS = 8.0
_COUNTED_TIMEOUT = 120


@asynccontextmanager
async def load_generators(number: int) -> AsyncIterator[list[HttpLoadProcess]]:
    """Start load generators. Before any channel: gRPC warns when a process with one forks."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(start_http_load_process()) for _ in range(number)]


class SteadyLoad:
    """The load on an installation; every click must be redirected.

    Args:
        installation: What to click on.
        generators: One per edge.

    Attributes:
        p99: The highest 99th percentile of a redirect's latency in the last part, in seconds.
    """

    def __init__(self, installation: Installation, generators: Sequence[HttpLoadProcess]) -> None:
        self._tenant = installation.tenant
        self._targets = list(zip(generators, installation.edges, strict=True))
        self._names = (f"mailing-{number}" for number in count(1))
        self._authorities = installation.targets
        self._campaign = ""
        self._tokens: list[str] = []
        self._clicks: Counter[str] = Counter()
        self.p99 = 0.0

    @classmethod
    async def prepared(
        cls, installation: Installation, generators: Sequence[HttpLoadProcess]
    ) -> Self:
        """Create the contacts, a fifth of which are anonymous, and the first campaign."""
        load = cls(installation, generators)
        await installation.tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await load.next_campaign()
        return load

    @property
    def total(self) -> int:
        """Clicks so far."""
        return self._clicks.total()

    @property
    def campaign(self) -> str:
        """The campaign that is clicked on."""
        return self._campaign

    async def next_campaign(self) -> None:
        """Send another campaign to the same contacts, and click on its links from now on."""
        campaign = next(self._names)
        self._tokens = await self._tenant.send_campaign(campaign, _SHAPE)
        for generator, _ in self._targets:
            await generator.set_messages(self._tokens, LINKS)
        # Now, because other calls read its statistics.
        self._campaign = campaign

    async def run(self, seconds: float, rate: float | None) -> None:
        """Click for some seconds, with that many clicks per second in total, or with all speed."""
        each = None if rate is None else rate / len(self._targets)
        results: list[HttpLoadResult] = await asyncio.gather(
            *(
                generator.run(HttpLoad(edge.port, _CONNECTIONS, seconds, each))
                for generator, edge in self._targets
            )
        )
        self._clicks[self._campaign] += sum(result.clicks for result in results)
        self.p99 = max(result.p99 for result in results)

    async def fill_caches(self, calls: int) -> None:
        """Send that many single clicks to each authority, which remembers their request ids."""
        requests = click_requests(self._tokens, random.Random(SEED))
        async with CallLoad() as load:
            results = await asyncio.gather(
                *(
                    load.run_callers(
                        click_calls(
                            target,
                            self._tenant.edge_authorization,
                            list(islice(requests, calls)),
                        ),
                        _CALLERS,
                    )
                    for target in self._authorities
                )
            )
        for result in results:
            result.check()
            self._clicks[self._campaign] += calls

    async def measure_capacity(self) -> float:
        """Return how many clicks per second are redirected, shipped and counted."""
        loop = asyncio.get_running_loop()
        start, before = loop.time(), self.total
        await self.run(_CALIBRATION_SECONDS, None)
        await self.wait_until_counted()
        return (self.total - before) / (loop.time() - start)

    async def wait_until_counted(self) -> None:
        """Wait until each click of each campaign is counted once."""
        for campaign, clicks in self._clicks.items():
            await self._tenant.wait_until_counted(campaign, clicks, _COUNTED_TIMEOUT)
