"""Planner statistics contain no personal data, and generic plans use indexes without them."""

from datetime import UTC, datetime

import asyncpg
import pytest

from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.database import Database
from hushpost_service.storage.sql import (
    anonymization,
    campaigns,
    contacts,
    last_opens,
    preference_log,
    recording,
    releases,
    stats,
)
from hushpost_service.storage.sql.single_events import READ_SINGLE_INPUTS
from tests.inspection import Connection, on

CONTACT = 7_070_707_070_707
"""A contact number that is easy to find in samples."""

SLOT = 70_707

TENANT = 70

MONTH = f"events_{datetime.now(UTC):%Y_%m}"

FILL = f"""
insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
select {TENANT}, {CONTACT} + n, 'canary-' || n, 1, 1 from generate_series(1, 2000) as n;
insert into preference_changes (
    tenant, contact_id, old_opens, new_opens, old_clicks, new_clicks, opens_decided,
    clicks_decided, source, evidence, source_id, wording_version, wording_language, actor,
    change_time
)
select {TENANT}, 'canary-' || n % 50, 1, 2, 1, 2, true, true, 1, 'canary-' || n % 50,
    'canary-' || n % 50, '', '', 'key', now()
from generate_series(1, 2000) as n;
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
select {TENANT}, n % 20, {CONTACT} + n % 100, now(), 1, {SLOT} + n % 100, 0, 1, true
from generate_series(1, 5000) as n;
insert into anonymization_jobs (tenant, contact, history, start_time, total_events, anonymized_events)
select {TENANT}, {CONTACT} + n % 50, 1, now(), 0, 0 from generate_series(1, 2000) as n;
insert into last_opens (tenant, contact, first_message_date)
select {TENANT}, {CONTACT} + n, now() from generate_series(1, 2000) as n;
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select {TENANT}, n, 1, 0, false, 2, 0, (5::bit(8) || 0::bit(4088))::bit(4096)
from generate_series(1, 500) as n;
analyze
"""  # noqa: S608 - numbers of this module

_ASSIGNED_NUMBERS = frozenset(
    {("contacts", "contact"), ("anonymization_jobs", "job"), ("preference_changes", "change")}
)
"""Columns of unique numbers: that one was assigned reveals nothing. Numbers of jobs and changes
begin with the time, so they can contain any digits."""

STATISTICS = """
select tablename, attname, concat(most_common_vals, histogram_bounds) as sample
from pg_stats
where schemaname = 'public'
"""


@pytest.fixture(scope="module")
async def filled(migrated_database: str) -> str:
    """The address of a database with `FILL`, after ANALYZE."""
    async with on(migrated_database) as connection:
        await connection.execute(FILL)
    return migrated_database


async def _columns_with_personal_samples(connection: Connection) -> set[str]:
    """Return the columns whose samples contain contacts, slots or event times."""
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    found = set()
    for table, column, sample in await connection.fetch(STATISTICS):
        if (table, column) in _ASSIGNED_NUMBERS:
            continue
        canaries = ["canary", str(SLOT)[:3] + "0", "00000101000"]
        canaries += [str(CONTACT)[:10], str(CONTACT >> 2)[:10], str(CONTACT >> 10)[:9]]
        if table.startswith("events"):
            canaries.append(today)
        if any(canary in sample for canary in canaries):
            found.add(f"{table}.{column}")
    return found


async def test_planner_statistics_contain_no_personal_data(filled: str) -> None:
    """No sample has contacts, slots or event times; with default settings, samples would."""
    async with on(filled) as connection:
        assert await connection.fetchval(
            "select count(*) from pg_stats where tablename = $1", MONTH
        )
        assert await _columns_with_personal_samples(connection) == set()
        await connection.execute(
            f"begin; alter table {MONTH} alter contact set statistics -1,"
            " alter slot set statistics -1, alter event_time set statistics -1;"
            f" alter index {MONTH}_expr_idx alter 1 set statistics -1;"
            f" alter index {MONTH}_campaign_signal_expr_expr1_idx alter 4 set statistics -1;"
            " alter table slot_bits alter bits set statistics -1;"
            " alter table last_opens alter contact set statistics -1;"
            " alter table contacts alter contact_id set statistics -1; analyze"
        )
        assert await _columns_with_personal_samples(connection) == {
            f"{MONTH}.contact",
            f"{MONTH}.slot",
            f"{MONTH}.event_time",
            f"{MONTH}_expr_idx.expr",
            f"{MONTH}_campaign_signal_expr_expr1_idx.expr1",
            "slot_bits.bits",
            "last_opens.contact",
            "contacts.contact_id",
        }


BY_CONTACT = f"{MONTH}_expr_idx"
BY_CAMPAIGN = f"{MONTH}_campaign_signal_expr_expr1_idx"

INDEXES = {
    "CAMPAIGNS_WITH_EVENTS": (anonymization.CAMPAIGNS_WITH_EVENTS, BY_CONTACT),
    "DELETE_EVENTS": (anonymization.DELETE_EVENTS, BY_CONTACT),
    "DELETE_SOME_EVENTS": (anonymization.DELETE_SOME_EVENTS, BY_CONTACT),
    "CONTACT_SLOTS": (anonymization.CONTACT_SLOTS, BY_CONTACT),
    "SLOT_SIGNALS": (anonymization.SLOT_SIGNALS, BY_CONTACT),
    "MOVE_SLOT": (anonymization.MOVE_SLOT, BY_CONTACT),
    "UNCONSENTED_CONTACTS": (anonymization.UNCONSENTED_CONTACTS, BY_CAMPAIGN),
    "ENGAGED_BLOCKS": (stats.ENGAGED_BLOCKS, BY_CAMPAIGN),
    "ENGAGED_CONTACTS": (stats.ENGAGED_CONTACTS, BY_CAMPAIGN),
    "NEWEST_CAMPAIGNS": (campaigns.NEWEST_CAMPAIGNS, "campaigns_newest"),
    "OLDEST_CAMPAIGNS": (campaigns.OLDEST_CAMPAIGNS, "campaigns_newest"),
    "CAMPAIGNS_BY_NAME": (campaigns.CAMPAIGNS_BY_NAME, "campaigns_by_name"),
    "CAMPAIGNS_BY_NAME_DESC": (campaigns.CAMPAIGNS_BY_NAME_DESC, "campaigns_by_name"),
    "COUNT_CAMPAIGNS": (campaigns.COUNT_CAMPAIGNS, "campaigns_"),
    "DUE": (releases.DUE, "campaigns_due"),
    "LOCK_DUE": (releases.LOCK_DUE, "campaigns_pkey"),
    "RELEASE_STATE": (releases.RELEASE_STATE, "releases_pkey"),
    "RELEASED_COUNTS": (releases.RELEASED_COUNTS, "released_counts_pkey"),
    "LAST_SENT": (releases.LAST_SENT, "released_sent_pkey"),
    "RELEASED_SENT": (releases.RELEASED_SENT, "released_sent_pkey"),
    "CLICKED_SLOTS": (releases.CLICKED_SLOTS, "slot_bits_pkey"),
    "PEOPLE_BY_LINK": (stats.PEOPLE_BY_LINK, "slot_bits_pkey"),
    "PEOPLE_BY_LINK_OF_ONE_MODE": (stats.PEOPLE_BY_LINK_OF_ONE_MODE, "slot_bits_pkey"),
    "SET_LAST_OPENS": (last_opens.SET_LAST_OPENS, "last_opens_pkey"),
    "DELETE_LAST_OPENS": (last_opens.DELETE_LAST_OPENS, "last_opens_pkey"),
    "LIST_INACTIVE_CONTACTS": (last_opens.LIST_INACTIVE_CONTACTS, "last_opens_pkey"),
    "CONTACT_JOBS": (anonymization.CONTACT_JOBS, "anonymization_jobs_pkey"),
    "LOAD_RECORDING_INPUTS": (recording.LOAD_RECORDING_INPUTS, "contacts_pkey"),
    "LOAD_RECORDING_INPUTS_17": (recording.LOAD_RECORDING_INPUTS_17, "contacts_pkey"),
    "READ_SINGLE_INPUTS": (READ_SINGLE_INPUTS, "contacts_pkey"),
    "CONTACTS": (contacts.CONTACTS, "contacts_tenant_contact_id_key"),
    "LOCK_CONTACTS": (contacts.LOCK_CONTACTS, "contacts_tenant_contact_id_key"),
    "UPDATE_PREFERENCES": (contacts.UPDATE_PREFERENCES, "contacts_pkey"),
    "SET_HINT_BITS": (contacts.SET_HINT_BITS, "contacts_pkey"),
    "CONTACTS_BY_PREFERENCE": (contacts.CONTACTS_BY_PREFERENCE, "contacts_tenant_contact_id_key"),
    "INSERT_LAST_OPENS": (last_opens.INSERT_LAST_OPENS, "contacts_pkey"),
    "DELETE_CONTACT": (contacts.DELETE_CONTACT, "contacts_tenant_contact_id_key"),
    "LIST_CONTACTS": (contacts.LIST_CONTACTS, "contacts_tenant_contact_id_key"),
    "LAST_DECISIONS": (preference_log.LAST_DECISIONS, "preference_changes_contact"),
    "LIST_CHANGES": (preference_log.LIST_CHANGES, "preference_changes_pkey"),
    "LIST_CHANGES_OF_CONTACT": (
        preference_log.LIST_CHANGES_OF_CONTACT,
        "preference_changes_contact",
    ),
}
"""Statements about contacts and releases, and the index that each must use."""


async def _generic_plan(database: Database, statement: str) -> str:
    """Return the generic plan of a statement, as text."""
    async with database.connection("test") as connection:
        await connection.execute(
            f"set plan_cache_mode = force_generic_plan; prepare x as {statement}"
        )
        try:
            count = await connection.fetchval(
                "select cardinality(parameter_types) from pg_prepared_statements where name = 'x'"
            )
            nulls = ", ".join(["null"] * count)
            plan = await connection.fetch(f"explain execute x ({nulls})")
        finally:
            await connection.execute("deallocate x; reset plan_cache_mode")
    return "\n".join(line for (line,) in plan)


@pytest.mark.parametrize("name", INDEXES)
async def test_a_statement_uses_its_index(database: Database, filled: str, name: str) -> None:
    """Without statistics, the generic plan uses the right index and no sequential scan."""
    statement, index = INDEXES[name]
    plan = await _generic_plan(database, statement)
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan


BY_WHOLE_KEY = {
    "LOCK_SLOT_BITS": (recording.LOCK_SLOT_BITS, "chunk = input.chunk"),
    "CLEAR_SLOTS": (recording.CLEAR_SLOTS, "chunk = input.chunk"),
    "DELETE_EMPTY_SLOT_BITS": (recording.DELETE_EMPTY_SLOT_BITS, "chunk = input.chunk"),
    "DELETE_EMPTY_COUNTERS": (recording.DELETE_EMPTY_COUNTERS, "hour = input.hour"),
}
"""Statements that look up many rows by key, and the condition on the last column of the key."""


@pytest.mark.parametrize("name", BY_WHOLE_KEY)
async def test_rows_are_looked_up_by_their_complete_key(
    database: Database, filled: str, name: str
) -> None:
    """The generic plan looks each row up in an index, and does not join on part of the key."""
    statement, expected = BY_WHOLE_KEY[name]
    plan = await _generic_plan(database, statement)
    conditions = [line for line in plan.splitlines() if "Cond:" in line]
    assert any(expected in condition for condition in conditions), plan
    assert "Join Filter" not in plan, plan
    assert ("ctid" in statement) == ("Tid Scan" in plan), plan
    assert "Hash" not in plan, plan
    assert "Seq Scan" not in plan, plan


EAGER = {
    "min_parallel_table_scan_size": "0",
    "min_parallel_index_scan_size": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}
"""Makes the planner start parallel workers for few rows, as it does in a large table."""


@pytest.mark.parametrize("settings", [{}, {"max_parallel_workers_per_gather": "2"}])
async def test_a_lookup_by_contact_starts_no_workers(filled: str, settings: dict[str, str]) -> None:
    """Not even where the planner expects many rows. Control: with PostgreSQL's default it does."""
    connection = await asyncpg.connect(
        filled, server_settings={**CONNECTION_SETTINGS, **EAGER, **settings}
    )
    try:
        await connection.execute(f"prepare x as {anonymization.CAMPAIGNS_WITH_EVENTS}")
        plan = await connection.fetch("explain execute x (null, null)")
    finally:
        await connection.close()
    assert any("Gather" in line for (line,) in plan) == bool(settings), plan
