"""Anonymization is divided into transactions by the number of events, and leaves none behind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.modes import History, Policy
from hushpost_service.preferences import anonymization_parts, anonymizer
from hushpost_service.storage import anonymization
from hushpost_service.storage.anonymization import CampaignContact, ContactJob
from hushpost_service.storage.database import Database
from hushpost_service.storage.tenants import insert_policy, insert_tenant
from tests.inspection import Connection, on

NOW = datetime.now(UTC)
CONSENTING = 5
"""Events of a contact that consents, which stay."""

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
values (
    $1::integer, ($1::bigint << 40) + $2::integer, $2::text, '', now() - interval '1 hour', 1, 2,
    '{1}', 1, '', $2::text
)
"""

FILL = """
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
select $1::integer, ($1::bigint << 40) + $2, ($1::bigint << 24) + $3, now(), 1, $3, n % 2, 1, n < 2
from generate_series(0, $4::integer - 1) as n
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


class Deletion(NamedTuple):
    """A deleting statement: the pairs whose events it deletes, and how many of them at most."""

    pairs: list[CampaignContact]
    limit: int | None


async def _declining(
    database: Database, connection: Connection, name: str, events: Sequence[Sequence[int]]
) -> tuple[int, list[ContactJob]]:
    """Create contacts that decline and one that consents; return the tenant and jobs of all.

    `events` has the number of events of each contact that declines, by campaign.
    """
    (*contacts,) = range(1, len(events[0]) + 2)
    async with database.connection("test") as pooled:
        tenant = await insert_tenant(pooled, name, name)
        assert tenant is not None
        await insert_policy(pooled, tenant, Policy(), "test")
        numbers = [(tenant << 24) + contact for contact in contacts]
        jobs = await anonymization.insert_contact_jobs(
            pooled, tenant, numbers, History.ANONYMIZE, NOW
        )
    await connection.execute(CONTACTS, tenant, 3, 1, len(events[0]))
    await connection.execute(CONTACTS, tenant, 2, contacts[-1], contacts[-1])
    for campaign, of_campaign in enumerate(events):
        await connection.execute(CAMPAIGN, tenant, campaign)
        for contact, count in zip(contacts, (*of_campaign, CONSENTING), strict=True):
            await connection.execute(FILL, tenant, campaign, contact, count)
    await connection.execute(COUNTERS, tenant)
    return tenant, jobs


@pytest.fixture
def deletions(monkeypatch: pytest.MonkeyPatch) -> list[Deletion]:
    """The deleting statements that are executed."""
    noted: list[Deletion] = []
    delete = anonymization.delete_events

    async def noting(*arguments: object) -> object:
        _, _, pairs, _, limit = arguments
        noted.append(Deletion(pairs, limit))  # type: ignore[arg-type]
        return await delete(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(anonymization, "delete_events", noting)
    return noted


@pytest.mark.parametrize(
    ("events_at_once", "limits"),
    [
        pytest.param(5000, [None], id="one transaction"),
        # The 25 events of one contact take three. No two of the others can share one.
        pytest.param(10, [10, 10, 10, None, None, None], id="several transactions"),
    ],
)
async def test_no_event_is_left(
    database: Database,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    deletions: list[Deletion],
    events_at_once: int,
    limits: list[int | None],
) -> None:
    """Each transaction has few events, all are counted, and the last one deletes the jobs."""
    monkeypatch.setattr(anonymization_parts, "_EVENTS_PER_TRANSACTION", events_at_once)
    events = (6, 7, 25, 8)
    cache = CampaignCache(database, lambda: 0.0)
    async with on(migrated_database) as connection:
        tenant, jobs = await _declining(database, connection, f"parts-{events_at_once}", [events])
        await anonymizer.Anonymizer(database, cache, lambda: NOW).run_jobs(tenant, jobs)
        left = await connection.fetchval("select count(*) from events where tenant = $1", tenant)
        counted = dict(map(tuple, await connection.fetch(COUNTED, tenant)))
        pending = await connection.fetchval(
            "select count(*) from anonymization_jobs where tenant = $1", tenant
        )
    assert [deletion.limit for deletion in deletions] == limits
    assert left == CONSENTING
    assert counted == {1: CONSENTING, 12: sum(events)}
    assert pending == 0


async def test_events_of_a_contact_are_deleted_together(
    database: Database,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    deletions: list[Deletion],
) -> None:
    """A statement reads all events of its contacts, so each contact belongs to one statement."""
    monkeypatch.setattr(anonymization_parts, "_EVENTS_PER_TRANSACTION", 8)
    cache = CampaignCache(database, lambda: 0.0)
    async with on(migrated_database) as connection:
        tenant, jobs = await _declining(database, connection, "together", [[4] * 20, [4] * 20])
        await anonymizer.Anonymizer(database, cache, lambda: NOW).run_jobs(tenant, jobs)
    assert len(deletions) == 20
    for pairs, _ in deletions:
        assert len(pairs) == 2
        assert len({contact for _, contact in pairs}) == 1
