"""Statements read in proportion to their result, whenever and however they were planned.

Connections keep generic plans, so a statement may run with a plan that was made for
tables of another size. Each test counts the buffers of a statement on 60,000 contacts,
200,000 events and 100,000 request ids, with a plan made on empty tables, on tables that
were small at the last VACUUM, on large tables without statistics, and after ANALYZE.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest

from hushpost_service.domain.validation import oldest_event
from hushpost_service.storage.array_text import array_text
from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.partitions import create_partitions
from hushpost_service.storage.request_ids import Method, periods
from hushpost_service.storage.schema import migrate
from hushpost_service.storage.sql import (
    anonymization,
    campaigns,
    contacts,
    preference_log,
    recording,
    releases,
    request_ids,
    single_events,
    stats,
)
from hushpost_service.storage.tenant_locks import RECORDING_LOCK
from tests.conftest import RunningAuthority
from tests.inspection import Connection, on

from .conftest import new_database

NOW = datetime.now(UTC)
TENANT = 2
CAMPAIGN = (TENANT << 40) + 1
FIRST = 20_000_001
"""The number of the first contact."""

CONTACTS = 60_000
RARE_LINK, UNUSED_LINK = 40, 39
PERIOD = periods(NOW)[-1]

SMALL = f"""
insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
select {TENANT}, n, 'first-' || n, 1, 1 from generate_series(1, 3) as n;
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
values ({TENANT}, {CAMPAIGN}, 1, now(), 1, 1, 0, 1, true);
"""  # noqa: S608 - numbers of this module

TENANTS = """
insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
select 100 + n, n, 'a-contact-of-a-tenant-with-one-contact-' || n, 1, 1 from generate_series(1, 150) as n;
"""

LARGE = f"""
insert into links (tenant, campaign, link, url, label, revision)
select {TENANT}, {CAMPAIGN}, n, 'https://shop.example/', '', n from generate_series(1, 40) as n;
insert into campaigns (
    tenant, campaign, campaign_id, display_name, search_text, create_time, release, epsilon, release_delays,
    issue_key_digest, max_mode, start_time, next_release_time
)
select {TENANT}, {CAMPAIGN} + n, 'campaign-' || n, '', 'campaign-' || n, now(), 1, 2, '{{1}}', '', 1, now(),
    case when n % 10 = 0 then now() + (n - 20) * interval '1 day' end
from generate_series(0, 2000) as n;
insert into releases (tenant, campaign, release, release_time)
select {TENANT}, {CAMPAIGN} + n, release, now()
from generate_series(0, 2000) as n, generate_series(0, 2) as release;
insert into released_counts (tenant, campaign, release, cell, signal, machine, mode, count)
select {TENANT}, {CAMPAIGN} + n, release, 0, signal, false, 2, 7
from generate_series(0, 200) as n, generate_series(0, 2) as release, generate_series(-1, 8) as signal;
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select {TENANT}, {CAMPAIGN} + n, 1, signal, false, 2, 0, 5::bit(4096)
from generate_series(0, 200) as n, generate_series(0, 9) as signal;
insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
select {TENANT}, {FIRST} + n, 'contact-' || n, 1, 1 from generate_series(0, {CONTACTS - 1}) as n;
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
select {TENANT}, {CAMPAIGN}, {FIRST} + n % {CONTACTS}, now(), 1, n,
    case when n % 20000 = 7 then {RARE_LINK} else n % 3 end, 1 + (n % 10 = 0)::integer * 3, true
from generate_series(0, 199999) as n;
insert into preference_changes (
    tenant, contact_id, old_opens, new_opens, old_clicks, new_clicks, opens_decided,
    clicks_decided, source, evidence, source_id, wording_version, wording_language, actor,
    change_time
)
select {TENANT}, 'contact-' || n, 1, 3, 1, 3, true, true, 1, '', '', '', '', 'key', now()
from generate_series(0, {CONTACTS - 1}) as n;
insert into counters
    (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
values ({TENANT}, {CAMPAIGN}, 1, 0, false, 1, 0, 200000, 60000);
insert into request_ids (tenant, method, request_id, period)
select {TENANT}, {Method.RECORD_CLICK}, gen_random_uuid(), {PERIOD} from generate_series(1, 100000);
"""  # noqa: S608 - numbers of this module

IDS = [f"contact-{n}" for n in range(2000)]
NUMBERS = [FIRST + n for n in range(2000)]
UNCHANGED = [FIRST + 30_000 + n for n in range(2000)]
"""Contacts that no statement here changes. The first scan after a change also reads dead tuples."""

NONE = [None] * 2000
BLOCK = FIRST >> 10


class Case(NamedTuple):
    """A statement with parameters, and the number of buffers that it may use."""

    statement: str
    parameters: Sequence[Any]
    buffers: int


_PER_ROW = 15
"""Buffers to look up or change a row: three levels of an index, the row, and its copy."""

CONTROL = "filtered contacts"
RECORD_SINGLE_EVENTS = "RECORD_SINGLE_EVENTS"

CASES = {
    CONTROL: Case(
        "select contact from contacts where tenant = $1 and contact_id = any($2::text[])",
        (TENANT, IDS[:10]),
        10 * _PER_ROW,
    ),
    "CONTACTS": Case(contacts.CONTACTS, (TENANT, IDS), 2000 * _PER_ROW),
    "LOCK_CONTACTS": Case(contacts.LOCK_CONTACTS, (TENANT, IDS), 2000 * _PER_ROW),
    "CONTACTS_BY_PREFERENCE": Case(
        contacts.CONTACTS_BY_PREFERENCE, (TENANT, "\n".join(IDS), NOW), 2000 * _PER_ROW
    ),
    "UPDATE_PREFERENCES": Case(
        contacts.UPDATE_PREFERENCES,
        (TENANT, NUMBERS, [3] * 2000, [1] * 2000, [NOW] * 2000, *[NONE] * 7),
        2000 * 2 * _PER_ROW,
    ),
    "LIST_CONTACTS": Case(
        contacts.LIST_CONTACTS,
        (TENANT, "contact-1", 2000, None, None, None, False, False, None, 100),
        100 * _PER_ROW,
    ),
    "contacts to ask": Case(
        contacts.LIST_CONTACTS,
        (TENANT, "contact-1", 2000, None, None, None, False, True, NOW - timedelta(days=9), 100),
        2000 * 2 * _PER_ROW,
    ),
    "LAST_DECISIONS": Case(preference_log.LAST_DECISIONS, (TENANT, IDS), 2000 * 2 * _PER_ROW),
    "LIST_CHANGES": Case(
        preference_log.LIST_CHANGES,
        (TENANT, 0, 2**63 - 1, 10_000, None, None, None, 100),
        100 * _PER_ROW,
    ),
    "changes with a rare source": Case(
        preference_log.LIST_CHANGES,
        (TENANT, 0, 2**63 - 1, 2000, 3, None, None, 100),
        2000 * _PER_ROW,
    ),
    "LIST_CHANGES_OF_CONTACT": Case(
        preference_log.LIST_CHANGES_OF_CONTACT,
        (TENANT, 0, 2**63 - 1, 10_000, None, None, None, 100, IDS[7]),
        _PER_ROW,
    ),
    "SET_HINT_BITS": Case(
        contacts.SET_HINT_BITS, (TENANT, f"{{{str(NUMBERS)[1:-1]}}}"), 2000 * _PER_ROW
    ),
    "LOAD_RECORDING_INPUTS": Case(
        recording.LOAD_RECORDING_INPUTS,
        (TENANT, "{}", "{}", [2901], None, None, NUMBERS[:20], NOW),
        20 * _PER_ROW + 50,
    ),
    "LOAD_RECORDING_INPUTS_17": Case(
        recording.LOAD_RECORDING_INPUTS_17,
        (TENANT, "{}", "{}", [2901], None, None, NUMBERS[:20], NOW),
        20 * _PER_ROW + 50,
    ),
    "inputs of a large batch": Case(
        recording.LOAD_RECORDING_INPUTS_17,
        (TENANT, "{}", "{}", [2901], None, None, UNCHANGED, NOW),
        200,
    ),
    "READ_SINGLE_INPUTS": Case(
        single_events.READ_SINGLE_INPUTS,
        (
            TENANT,
            array_text([Method.RECORD_CLICK.value] * 20),
            array_text(UUID(int=n) for n in range(20)),
            array_text(NUMBERS[:20]),
            NOW,
        ),
        20 * 4 * _PER_ROW,
    ),
    RECORD_SINGLE_EVENTS: Case(
        single_events.RECORD_SINGLE_EVENTS,
        (
            TENANT,
            RECORDING_LOCK,
            None,
            "{}",
            "{}",
            array_text([Method.RECORD_CLICK.value] * 20),
            array_text(UUID(int=n) for n in range(20)),
            [PERIOD],
            True,
            array_text(CAMPAIGN + n for n in range(20)),
            *(array_text([value] * 20) for value in (1, 1, False, 1, 7)),
            array_text([int(NOW.timestamp() * 1_000_000)] * 20),
            array_text(UNCHANGED[:20]),
            array_text([1] * 20),
            array_text([True] * 20),
        ),
        # A request id, a bitmap, a counter, an event: all in the same few pages. A look-up of the
        # bitmaps by a part of their key takes 16 more for each event.
        20 * 3 * _PER_ROW,
    ),
    "CLAIM_REQUEST_IDS": Case(
        request_ids.CLAIM_REQUEST_IDS,
        (
            TENANT,
            array_text([Method.RECORD_CLICK.value] * 20),
            array_text(UUID(int=n) for n in range(20)),
            [PERIOD],
            None,
            None,
        ),
        20 * 2 * _PER_ROW,
    ),
    "CAMPAIGNS": Case(
        campaigns.CAMPAIGNS, (TENANT, [CAMPAIGN + n for n in range(5)]), 5 * _PER_ROW
    ),
    "LINKS": Case(campaigns.LINKS, (TENANT, [CAMPAIGN + n for n in range(5)]), 45 * _PER_ROW),
    "GROUPS": Case(campaigns.GROUPS, (TENANT, [CAMPAIGN + n for n in range(5)]), 5 * _PER_ROW),
    "DUE": Case(releases.DUE, (10,), 10 * _PER_ROW),
    "RELEASE_STATE": Case(releases.RELEASE_STATE, (TENANT, CAMPAIGN), 3 * _PER_ROW),
    "RELEASED_COUNTS": Case(releases.RELEASED_COUNTS, (TENANT, CAMPAIGN, 1), 3 * _PER_ROW),
    "CLICKED_SLOTS": Case(releases.CLICKED_SLOTS, (TENANT, CAMPAIGN), 10 * _PER_ROW),
    "PEOPLE_BY_LINK": Case(stats.PEOPLE_BY_LINK, (TENANT, CAMPAIGN, [2, 12]), 10 * _PER_ROW),
    "PEOPLE_BY_LINK_OF_ONE_MODE": Case(
        stats.PEOPLE_BY_LINK_OF_ONE_MODE, (TENANT, CAMPAIGN, [2]), 10 * _PER_ROW
    ),
    "IDENTIFIED_CAMPAIGNS": Case(anonymization.IDENTIFIED_CAMPAIGNS, (TENANT,), 20),
    "UNCONSENTED_CONTACTS": Case(
        anonymization.UNCONSENTED_CONTACTS, (TENANT, CAMPAIGN, [BLOCK + 1]), 1024 * _PER_ROW
    ),
    "CAMPAIGNS_WITH_EVENTS": Case(
        anonymization.CAMPAIGNS_WITH_EVENTS, (TENANT, NUMBERS[:100]), 100 * 4 * _PER_ROW
    ),
    "DELETE_EVENTS": Case(
        anonymization.DELETE_EVENTS,
        (TENANT, [CAMPAIGN] * 100, NUMBERS[:100], 1, 10_000),
        100 * 4 * _PER_ROW,
    ),
    "DELETE_SOME_EVENTS": Case(
        anonymization.DELETE_SOME_EVENTS,
        (TENANT, [CAMPAIGN] * 100, NUMBERS[:100], 1, 10_000, 5000),
        100 * 4 * _PER_ROW,
    ),
    "CONTACT_SLOTS": Case(anonymization.CONTACT_SLOTS, (TENANT, CAMPAIGN, FIRST, 0, 10_000), 50),
    "SLOT_SIGNALS": Case(
        anonymization.SLOT_SIGNALS, (TENANT, FIRST, CAMPAIGN, 1, 0, 0, 10_000), 50
    ),
    "MOVE_SLOT": Case(anonymization.MOVE_SLOT, (TENANT, FIRST, CAMPAIGN, 1, 0, 0, 10_000, 7), 100),
    "EXPIRED_EVENTS": Case(
        anonymization.EXPIRED_EVENTS,
        (TENANT, NOW, NOW + timedelta(days=32), CAMPAIGN, 1, False, 0, 500),
        500 * 2 + 50,
    ),
    "next block of all signals": Case(
        stats.ENGAGED_BLOCKS, (TENANT, CAMPAIGN, 0, 100, True, 0, 1), 2000
    ),
    "blocks of a rare link": Case(
        stats.ENGAGED_BLOCKS, (TENANT, CAMPAIGN, RARE_LINK, RARE_LINK, True, 0, 64), 1000
    ),
    "blocks of an unused link": Case(
        stats.ENGAGED_BLOCKS, (TENANT, CAMPAIGN, UNUSED_LINK, UNUSED_LINK, True, 0, 64), 100
    ),
    "contacts of a block": Case(
        stats.ENGAGED_CONTACTS,
        (TENANT, CAMPAIGN, RARE_LINK, RARE_LINK, True, [BLOCK + 1], 0),
        1024 * 4 * 2,
    ),
}


class Plans(NamedTuple):
    """A connection with prepared statements, and when they were planned."""

    connection: Connection
    planned: str


@pytest.fixture(scope="module")
async def plans(authority: RunningAuthority) -> AsyncIterator[list[Plans]]:
    """One connection for each time of planning."""
    async with new_database(authority) as uri:
        await migrate(uri)
        # Closes the connections also if this fixture fails; otherwise the garbage collector
        # finds them in a later test, and that test fails, too.
        async with on(uri) as connection, AsyncExitStack() as stack:
            async with connection.transaction():
                await create_partitions(connection, oldest_event(NOW), NOW)  # type: ignore[arg-type] # not of a pool
            # Nothing but this fixture gathers statistics.
            for (table,) in await connection.fetch(
                "select oid::regclass from pg_class"
                " where relkind = 'r' and relnamespace = 'public'::regnamespace"
            ):
                await connection.execute(f"alter table {table} set (autovacuum_enabled = false)")
            empty = await _prepared(stack, uri, "while the tables were empty")
            await connection.execute(SMALL)
            await connection.execute("vacuum contacts")
            small = await _prepared(stack, uri, "while the tables were small")
            await connection.execute(TENANTS)
            await connection.execute("vacuum analyze contacts")
            tenants = await _prepared(stack, uri, "while each tenant had one contact")
            await connection.execute(LARGE)
            grown = await _prepared(stack, uri, "after the tables had grown")
            yield [empty, small, tenants, grown]


async def _prepared(stack: AsyncExitStack, uri: str, planned: str) -> Plans:
    """Prepare and plan all statements on a new connection."""
    connection = await asyncpg.connect(uri, server_settings=CONNECTION_SETTINGS)
    stack.push_async_callback(connection.close)
    for number, case in enumerate(CASES.values()):
        await connection.execute(f"prepare case_{number} as {case.statement}")
        nulls = ", ".join(["null"] * len(case.parameters))
        await connection.execute(f"explain execute case_{number} ({nulls})")
    # The statements of a function are planned when it is called.
    await _buffers(connection, RECORD_SINGLE_EVENTS)
    return Plans(connection, planned)


async def _buffers(connection: Connection, name: str) -> int:
    """Execute a statement in a transaction that is rolled back; return its buffers."""
    number = list(CASES).index(name)
    literals = ", ".join(map(_literal, CASES[name].parameters))
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("set local statement_timeout = '20s'")
        explained = await connection.fetchval(
            f"explain (analyze, buffers, format json) execute case_{number} ({literals})"
        )
    finally:
        await transaction.rollback()
    plan = json.loads(explained)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _literal(value: object) -> str:
    if isinstance(value, list):
        return "'{" + ",".join("null" if one is None else f'"{one}"' for one in value) + "}'"
    return "null" if value is None else f"'{value}'"


@pytest.mark.parametrize("name", [name for name in CASES if name != CONTROL])
async def test_a_statement_reads_in_proportion_to_its_result(plans: list[Plans], name: str) -> None:
    """A plan of another time than the present needs no more buffers than the result does."""
    buffers = {each.planned: await _buffers(each.connection, name) for each in plans}
    assert all(count <= CASES[name].buffers for count in buffers.values()), buffers


async def test_a_filtered_lookup_reads_all_contacts(plans: list[Plans]) -> None:
    """Control: planned while the table was small, `= any($2)` reads every contact."""
    buffers = {each.planned: await _buffers(each.connection, CONTROL) for each in plans}
    assert max(buffers.values()) > 4 * CASES[CONTROL].buffers, buffers


@pytest.fixture(scope="module")
async def analyzed(plans: list[Plans]) -> list[Plans]:
    """The connections after ANALYZE, which makes each plan its statements anew."""
    await plans[0].connection.execute("analyze")
    return plans


@pytest.mark.parametrize("name", CASES)
async def test_a_statement_reads_in_proportion_to_its_result_after_analyze(
    analyzed: list[Plans], name: str
) -> None:
    """A plan made with statistics needs no more buffers than the result does."""
    assert await _buffers(analyzed[0].connection, name) <= CASES[name].buffers
