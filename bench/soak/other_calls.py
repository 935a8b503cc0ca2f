"""Makes the calls that are rare next to clicks: decisions, reports, single events, wrong keys."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count, cycle

from bench.soak.installation import Installation
from bench.soak.steady_load import SteadyLoad
from hushpost_client import DoNotTrack, Hushpost, HushpostError

__all__ = ["make_other_calls"]

_PAUSE_SECONDS = 0.1
_WRONG_KEY = "hp_" + "A" * 43
_CONTACTS = 200


async def make_other_calls(installation: Installation, load: SteadyLoad) -> None:
    """Call both authorities in turn, ten times a second, until cancelled. Each call must succeed."""
    sender, reporter = installation.tenant.sender, installation.tenant.reporter
    numbers = count()

    async def decide() -> None:
        number = next(numbers)
        decision = DoNotTrack.TRUE if number % 2 else DoNotTrack.FALSE
        await sender.preferences.set_preference(f"visitor-{number % _CONTACTS}", decision)

    async def read_preference() -> None:
        await sender.preferences.get_preference(f"visitor-{next(numbers) % _CONTACTS}")

    async def report() -> None:
        await reporter.stats.get_campaign_stats(load.campaign)

    async def list_campaigns() -> None:
        async for _ in reporter.campaigns.list_campaigns():
            break

    async def connect_with_a_wrong_key() -> None:
        target = installation.targets[next(numbers) % 2]
        async with Hushpost.connect(target, api_key=_WRONG_KEY, tls=False, timeout=10) as client:
            with suppress(HushpostError):
                await client.stats.get_campaign_stats(load.campaign)

    calls: Sequence[Callable[[], Awaitable[None]]] = (
        decide,
        report,
        decide,
        read_preference,
        list_campaigns,
        connect_with_a_wrong_key,
    )
    for call in cycle(calls):
        await call()
        await asyncio.sleep(_PAUSE_SECONDS)
