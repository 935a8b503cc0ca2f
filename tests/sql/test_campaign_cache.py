"""The cache of campaigns: one query per batch, and none for what was not found a moment ago."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hushpost_service.campaigns.cache import CachedGroup, CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Mode, Policy
from hushpost_service.storage import campaigns, tenants
from hushpost_service.storage.campaigns import Link, NewGroup
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.tokens.codec import campaign_number

TENANT, OTHER = 4711, 4712
SECONDS = 1.0
"""The documented life of a miss."""


class CountingDatabase(Database):
    """Counts how often a connection is borrowed."""

    borrowed = 0

    @asynccontextmanager
    async def connection(self, name: str) -> AsyncIterator[Connection]:
        """Borrow a connection."""
        self.borrowed += 1
        async with super().connection(name) as connection:
            yield connection


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
async def counted(migrated_database: str) -> AsyncIterator[CountingDatabase]:
    """A connection pool that counts."""
    pool = await CountingDatabase.connect(migrated_database, connections=2)
    yield pool
    await pool.close()


async def _create(database: Database, number: int, tenant: int, links: int) -> None:
    async with database.connection("another process") as connection:
        await campaigns.insert_campaign(
            connection, tenant, number, f"c-{number}", "", Mode.ANONYMOUS, Policy(), b""
        )
        urls = [Link(f"https://shop.example.com/{n}") for n in range(links)]
        await campaigns.add_links(connection, tenant, number, urls)
        groups = [NewGroup("a", 1), NewGroup("b", 1, Mode.AGGREGATE)]
        await campaigns.add_groups(connection, tenant, number, groups)


async def test_the_campaigns_of_a_batch_are_one_query_per_tenant(
    counted: CountingDatabase,
    database: Database,
) -> None:
    """Known, unknown and extended campaigns are read together; each has its own links."""
    numbers = [campaign_number(TENANT, serial) for serial in range(5)]
    elsewhere = campaign_number(OTHER, 1)
    for links, number in enumerate(numbers):
        await _create(database, number, TENANT, links)
    await _create(database, elsewhere, OTHER, 1)
    cache = CampaignCache(counted, Clock())
    unknown = [campaign_number(TENANT, serial) for serial in range(100, 1100)]
    found = await cache.get_many(dict.fromkeys([*numbers, *unknown, elsewhere], 0))
    assert {number: len(one.urls) for number, one in found.items()} == {
        **{number: links for links, number in enumerate(numbers)},
        elsewhere: 1,
    }
    groups = {"a": CachedGroup(1, Mode.ANONYMOUS), "b": CachedGroup(2, Mode.AGGREGATE)}
    assert all(one.groups == groups for one in found.values())
    assert counted.borrowed == 2, "one per tenant"
    assert set(await cache.get_many(dict.fromkeys([*numbers, *unknown], 0))) == set(numbers)
    assert counted.borrowed == 2, "nothing is looked up again"
    async with database.connection("another process") as connection:
        await campaigns.add_links(connection, TENANT, numbers[0], [Link("https://a.example.com")])
    extended = await cache.get_many({numbers[0]: 1, numbers[1]: 0})
    assert extended[numbers[0]].urls == ("https://a.example.com",)
    assert counted.borrowed == 3


async def test_a_campaign_of_another_process_is_found_a_second_after_a_miss(
    counted: CountingDatabase, database: Database
) -> None:
    """A miss is remembered for a second, also of single lookups; then the campaign is found."""
    clock = Clock()
    cache = CampaignCache(counted, clock)
    number = campaign_number(TENANT, 7)
    for _ in range(3):
        with pytest.raises(HushpostError) as caught:
            await cache.read(number)
        assert caught.value.reason is Reason.CAMPAIGN_NOT_FOUND
    assert counted.borrowed == 1
    await _create(database, number, TENANT, 1)
    clock.now += SECONDS
    assert await cache.url(number, 1) == "https://shop.example.com/0"


async def test_a_campaign_of_another_process_is_found_at_once(
    counted: CountingDatabase, database: Database
) -> None:
    """Other misses, however many, do not hide a campaign that nobody asked for before."""
    cache = CampaignCache(counted, Clock())
    guesses = {campaign_number(TENANT, serial): 0 for serial in range(10_000, 20_000)}
    assert not await cache.get_many(guesses)
    number = campaign_number(TENANT, 8)
    await _create(database, number, TENANT, 1)
    assert number in await cache.get_many({number: 1})


async def test_tenants_are_found_together(counted: CountingDatabase, database: Database) -> None:
    """Of thousands of numbers, those that are tenants are found with one query."""
    cache = CampaignCache(counted, Clock())
    async with database.connection("another process") as connection:
        number = await tenants.insert_tenant(connection, "found-together", "")
    assert number is not None
    assert not await cache.find_tenants(range(2**23 - 10_000, 2**24))
    assert not cache.tenants
    assert await cache.find_tenants({number, *range(2**23 - 10_000, 2**23)})
    assert cache.tenants == {number}
    assert counted.borrowed == 2
    assert not await cache.find_tenants([2**24 - 1]), "no tenant has such a number"
    assert counted.borrowed == 2
