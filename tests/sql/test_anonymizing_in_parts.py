"""Anonymization is divided into transactions by the number of events, and leaves none behind."""

from datetime import UTC, datetime

import pytest

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.modes import History, Policy
from hushpost_service.preferences import anonymizer
from hushpost_service.storage import anonymization
from hushpost_service.storage.database import Database
from hushpost_service.storage.tenants import insert_policy, insert_tenant
from tests.inspection import Connection, on

NOW = datetime.now(UTC)
EVENTS = (6, 7, 25, 8)
"""Events of each contact that declines. Of 10 per transaction, no two contacts can share one."""

CONTACTS = """
insert into contacts
    (tenant, contact, contact_id, opens_consent, clicks_consent, opens_time, clicks_time)
select $1::integer, ($1::bigint << 24) + n, n::text, $2, $2, now(), now()
from generate_series($3::integer, $4::integer) as n
"""

CAMPAIGN = """
insert into campaigns (
    tenant, campaign, campaign_id, display_name, create_time, release, epsilon, release_delays,
    max_mode, issue_key_digest, search_text
)
values ($1::integer, $1::bigint << 40, '1', '', now() - interval '1 hour', 1, 2, '{1}', 1, '', '1')
"""

FILL = """
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
select $1::integer, $1::bigint << 40, ($1::bigint << 24) + $2, now(), 1, $2, n % 2, 1, n < 2
from generate_series(0, $3::integer - 1) as n
"""

COUNTERS = """
insert into counters
    (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
select tenant, campaign, group_number, signal, false, 1, floor(extract(epoch from now()) / 3600),
    count(*), count(*) filter (where is_first)
from events
where tenant = $1
group by tenant, campaign, group_number, signal
"""

COUNTED = "select mode, sum(events)::integer from counters where tenant = $1 group by mode"


async def _fill(connection: Connection, tenant: int) -> None:
    """Insert contacts who decline, one who consents, and their events."""
    await connection.execute(CONTACTS, tenant, 3, 1, len(EVENTS))
    await connection.execute(CONTACTS, tenant, 2, len(EVENTS) + 1, len(EVENTS) + 1)
    await connection.execute(CAMPAIGN, tenant)
    for contact, events in enumerate((*EVENTS, 5), 1):
        await connection.execute(FILL, tenant, contact, events)
    await connection.execute(COUNTERS, tenant)


def _noted_limits(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Return a list to which the limit of each deleting statement is added."""
    limits: list[int | None] = []
    delete = anonymization.delete_events

    async def noting(*arguments: object) -> object:
        limits.append(arguments[4])  # type: ignore[arg-type]
        return await delete(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(anonymization, "delete_events", noting)
    return limits


@pytest.mark.parametrize(
    ("events_at_once", "expected"),
    [
        pytest.param(5000, [None], id="one transaction"),
        # The 25 events of one contact take three.
        pytest.param(10, [10, 10, 10, None, None, None], id="several transactions"),
    ],
)
async def test_no_event_is_left(
    database: Database,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    events_at_once: int,
    expected: list[int | None],
) -> None:
    """Each transaction has few events, all are counted, and the last one deletes the jobs."""
    monkeypatch.setattr(anonymizer, "_EVENTS_PER_TRANSACTION", events_at_once)
    limits = _noted_limits(monkeypatch)
    cache = CampaignCache(database, lambda: 0.0)
    async with database.connection("test") as connection:
        tenant = await insert_tenant(connection, f"parts-{events_at_once}", "In parts")
        assert tenant is not None
        await insert_policy(connection, tenant, Policy(), "test")
        contacts = [(tenant << 24) + contact for contact in range(1, len(EVENTS) + 2)]
        jobs = await anonymization.insert_contact_jobs(
            connection, tenant, contacts, History.ANONYMIZE, NOW
        )
    async with on(migrated_database) as inspected:
        await _fill(inspected, tenant)
        await anonymizer.Anonymizer(database, cache, lambda: NOW).run_jobs(tenant, jobs)
        left = await inspected.fetchval("select count(*) from events where tenant = $1", tenant)
        counted = dict(map(tuple, await inspected.fetch(COUNTED, tenant)))
        pending = await inspected.fetchval(
            "select count(*) from anonymization_jobs where tenant = $1", tenant
        )
    assert limits == expected
    assert left == 5
    assert counted == {1: 5, 12: sum(EVENTS)}
    assert pending == 0
