"""Hours add up to the whole, whatever is recorded at once."""

import asyncio

from hushpost_client import Count, Event, Verdict
from tests.conftest import Clients
from tests.mailing import send

CAMPAIGNS = 10
BATCH = 1000


async def test_hours_add_up_when_batches_meet(exact: Clients) -> None:
    """A message whose first events arrive in several commits at once is one person of one hour."""
    for number in range(CAMPAIGNS):
        names = [f"reader-{person}" for person in range(BATCH)]
        mailing = await send(exact, names, f"campaign-{number}")
        events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
        record = exact.edge.tracking.record_events
        await asyncio.gather(*(record(events) for _ in range(4)))
        stats = await mailing.stats()
        assert stats.opens.human.identified == Count(4 * BATCH, BATCH)
        assert sum(hour.opens.human.identified.unique for hour in stats.hours) == BATCH
