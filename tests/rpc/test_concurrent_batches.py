"""Concurrent batches of the same messages are counted consistently."""

import asyncio

from hushpost_client import Count, Event, Verdict
from tests.conftest import Clients
from tests.mailing import send

CAMPAIGNS = 10
CONTACTS = 1000


async def test_hours_sum_to_the_total_with_concurrent_batches(exact_clients: Clients) -> None:
    """A person whose first events are in several concurrent commits counts in one hour only."""
    for number in range(CAMPAIGNS):
        names = [f"reader-{person}" for person in range(CONTACTS)]
        mailing = await send(exact_clients, names, f"campaign-{number}")
        events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
        record = exact_clients.edge.tracking.record_events
        await asyncio.gather(*(record(events) for _ in range(4)))
        stats = await mailing.stats()
        assert stats.opens.human.identified == Count(4 * CONTACTS, CONTACTS)
        assert sum(hour.opens.human.identified.unique for hour in stats.hours) == CONTACTS
