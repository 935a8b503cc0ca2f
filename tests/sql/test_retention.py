"""Retention finds all expired events of a tenant, however many others it reads before."""

from datetime import UTC, datetime

import pytest

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.preferences import anonymizer
from hushpost_service.storage.database import Database
from tests.inspection import on

TENANT, OTHER = 91, 92
NOW = datetime.now(UTC)
DAYS = 20

FILL = """
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
select tenant, (tenant::bigint << 40) + campaign, (tenant::bigint << 24) + contact,
    $1::timestamptz - case when contact % 3 = 0 then interval '21 days' else interval '19 days' end,
    1, contact, signal, verdict, true
from unnest(array[91, 92]) as tenant
cross join generate_series(1, 3) as campaign
cross join generate_series(0, 29) as contact
cross join generate_series(0, 2) as signal
cross join unnest(array[1, 4]) as verdict
"""

COUNT = """
select count(*) from events where tenant = $1 and event_time < $2
"""


@pytest.mark.parametrize("read_at_once", [3, 50, 10_000])
async def test_expired_events_are_deleted(
    database: Database,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    read_at_once: int,
) -> None:
    """All of this tenant, and none of others, even if a read ends among events of one block."""
    monkeypatch.setattr(anonymizer, "_EVENTS_PER_READ", read_at_once)
    cache = CampaignCache(database, lambda: 0.0)
    async with on(migrated_database) as connection:
        await connection.execute("delete from events where tenant = any('{91, 92}')")
        await connection.execute(FILL, NOW)
        retention = anonymizer.Anonymizer(database, cache, lambda: NOW)
        deleted = await retention.delete_expired_events(TENANT, DAYS)
        left = [await connection.fetchval(COUNT, tenant, NOW) for tenant in (TENANT, OTHER)]
    assert deleted == 3 * 10 * 3 * 2
    assert left == [3 * 20 * 3 * 2, 3 * 30 * 3 * 2]
