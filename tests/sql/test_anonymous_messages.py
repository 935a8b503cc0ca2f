"""Counts of ANONYMOUS messages: what counts, and for how long."""

from datetime import UTC, datetime, timedelta
from random import Random

from hushpost_service.domain.message_budget import COUNTED_PERIODS, period_of
from hushpost_service.storage.anonymous_messages import count_messages, delete_old_counts
from hushpost_service.storage.database import Database

PERIOD = 700


async def _count(
    database: Database, tenant: int, period: int, contacts: list[int], limit: int
) -> set[int]:
    return await database.transact(
        "test", lambda c: count_messages(c, tenant, period, contacts, limit)
    )


async def test_messages_count_for_at_least_90_days(database: Database) -> None:
    """A contact at the limit gets a message again when the period of an earlier one is over."""
    for period in range(PERIOD, PERIOD + COUNTED_PERIODS):
        assert await _count(database, 1, period, [7], COUNTED_PERIODS) == set()
        assert await _count(database, 1, period, [7], period - PERIOD + 1) == {7}
    assert await _count(database, 1, PERIOD + COUNTED_PERIODS - 1, [7], COUNTED_PERIODS) == {7}
    assert await _count(database, 1, PERIOD + COUNTED_PERIODS, [7], COUNTED_PERIODS) == set()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert period_of(start + timedelta(days=90)) - period_of(start) == COUNTED_PERIODS - 1


async def test_counts_are_those_of_a_dictionary(database: Database) -> None:
    """For random contacts in several blocks, also of several tenants."""
    random = Random(12)  # noqa: S311 - to be repeatable
    numbers = [0, 511, 512, 1023, 2**40, 2**40 + 1, 2**62]
    counts: dict[tuple[int, int], int] = {}
    for _ in range(60):
        tenant, limit = random.choice((2, 3)), random.randint(1, 20)
        contacts = random.sample(numbers, random.randint(1, len(numbers)))
        above = {contact for contact in contacts if counts.get((tenant, contact), 0) >= limit}
        assert await _count(database, tenant, PERIOD, contacts, limit) == above
        for contact in {*contacts} - above:
            counts[tenant, contact] = counts.get((tenant, contact), 0) + 1


async def test_counts_that_no_longer_matter_are_deleted(database: Database) -> None:
    """Only those of the tenant, and of periods that no message is limited by."""
    for period in range(PERIOD, PERIOD + COUNTED_PERIODS + 1):
        for tenant in (4, 5):
            await _count(database, tenant, period, [1], 100)
    await database.transact("test", lambda c: delete_old_counts(c, 4, PERIOD + COUNTED_PERIODS))
    async with database.connection("test") as connection:
        rows = await connection.fetch(
            "select tenant, min(period) as first from anonymous_messages"
            " where tenant in (4, 5) group by tenant order by tenant"
        )
    assert [tuple(row) for row in rows] == [(4, PERIOD + 1), (5, PERIOD)]
