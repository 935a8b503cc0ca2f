"""Measures what one lock or one rewrite costs everyone: links per second, and the scrub of a month."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count, product

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.release_limits import ReleaseLimits
from hushpost_service.storage import scrubbing
from hushpost_service.storage.campaigns import Link, NewGroup
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from tests.scale.shape import Size, campaign_shapes, month_starts

__all__ = ["registration_rates", "scrub_rate"]

_KINDS = {"links": True, "groups": False}
"""Whether the calls add a link."""

_CALLERS = (1, 8)
_ROUNDS = 7
_SECONDS = 1.0
"""Of a round. All kinds of calls take turns, because the speed of a shared disk changes."""


async def registration_rates(uri: str, size: Size, now: datetime) -> dict[str, float]:
    """Return how many calls a second extend campaigns, of as many tenants as there are callers.

    Calls with links wait for each other; calls with groups only are the reference. Medians over rounds.
    """
    rates = defaultdict[str, list[float]](list)
    database = await Database.connect(uri, connections=max(_CALLERS))
    try:
        campaigns = Campaigns(
            database,
            CampaignCache(database, lambda: 0.0),
            ReleaseLimits(max_epsilon=10, allow_exact=True),
            lambda: now,
        )
        shapes = [shape for shape in campaign_shapes(size, now) if not shape.is_probe]
        numbers = count()

        def extend(caller: int, *, has_link: bool) -> Awaitable[object]:
            shape, number = shapes[caller], next(numbers)
            return campaigns.extend(
                shape.tenant,
                f"campaign-{shape.campaign}",
                links=[Link(f"https://shop.example/rate/{number}")] if has_link else [],
                groups=[] if has_link else [NewGroup(f"rate-{number}", 1)],
                request=None,
            )

        for _ in range(_ROUNDS):
            for callers, (name, has_link) in product(_CALLERS, _KINDS.items()):
                rate = await _rate(
                    callers,
                    lambda caller, has_link=has_link: extend(caller, has_link=has_link),  # type: ignore[misc]
                )
                rates[f"{name}, {callers} callers"].append(rate)
    finally:
        await database.close()
    return {name: statistics.median(of_name) for name, of_name in rates.items()}


async def _rate(callers: int, call: Callable[[int], Awaitable[object]]) -> float:
    """Return how many calls a second end, each caller making one at a time."""
    end = time.monotonic() + _SECONDS

    async def repeat(caller: int) -> int:
        calls = 0
        while time.monotonic() < end:
            await call(caller)
            calls += 1
        return calls

    return sum(await asyncio.gather(*map(repeat, range(callers)))) / _SECONDS


async def scrub_rate(uri: str, now: datetime) -> tuple[int, float]:
    """Return how many events the scrub rewrites in the first month, and how long that takes.

    For so long the table of the month is locked.
    """
    name = f"events_{month_starts(now)[0]:%Y_%m}"
    database = await Database.connect(uri, connections=1)
    try:
        async with database.connection("scrub") as connection:
            rows: int = await connection.fetchval(f"select count(*) from {name}", timeout=900)  # noqa: S608 - a name of ours
            start = time.monotonic()
            assert await _rewrite(connection, name)
            return rows, time.monotonic() - start
    finally:
        await database.close()


async def _rewrite(connection: Connection, name: str) -> bool:
    return await scrubbing.rewrite(connection, scrubbing.Table(name, 0, None))
