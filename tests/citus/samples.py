"""Columns that the planner's statistics of workers have samples of."""

import json
import re
from collections.abc import Sequence
from datetime import datetime

from hushpost_service.storage.sql.distribution import RUN_ON_WORKERS
from tests.inspection import Connection

__all__ = ["assert_no_samples_about_persons", "insert_events_and_contacts"]

_EXCLUDED = {
    ("events", "contact"),
    ("events", "event_time"),
    ("events", "slot"),
    ("contacts", "contact_id"),
    ("preference_changes", "contact_id"),
    ("anonymization_jobs", "contact"),
    ("last_opens", "contact"),
    ("slot_bits", "bits"),
    ("issued_contacts", "block"),
    ("anonymous_messages", "block"),
}
"""Columns that have no planner statistics, because they are about persons."""

_SAMPLED = """
select coalesce(json_agg(distinct jsonb_build_array(tablename, attname)), '[]')
from pg_stats where schemaname = 'public'
"""


async def insert_events_and_contacts(
    connection: Connection, tenant: int, times: Sequence[datetime]
) -> None:
    """Insert 500 contacts, and 500 events at each time, so that ANALYZE has something to sample."""
    for time in times:
        await connection.execute(
            "insert into events (campaign, contact, event_time, tenant, slot, group_number,"
            " signal, verdict, is_first)"
            " select n % 7, n, $2::timestamptz, $1, n, 1, n % 3, 1, true"
            " from generate_series(1, 500) as n",
            tenant,
            time,
        )
    await connection.execute(
        "insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)"
        " select $1, n, 'contact-' || n, 1, 1 from generate_series(1, 500) as n",
        tenant,
    )


async def assert_no_samples_about_persons(
    connection: Connection, times: Sequence[datetime]
) -> None:
    """Analyze; the workers sample other columns of the events at each time, but none about persons."""
    await connection.execute("analyze")
    found = {
        (table, column)
        for _, success, result in await connection.fetch(RUN_ON_WORKERS, _SAMPLED)
        for table, column in json.loads(result if success else "null")
    }
    # The names of shards end with a number.
    sampled = {(table.rpartition("_")[0], column) for table, column in found}
    partitions = {f"events_{time:%Y_%m}" for time in times}
    assert {table for table, _ in sampled if re.fullmatch(r"events_\d+_\d+", table)} == partitions
    controls = {("contacts", "opens_consent"), *((table, "signal") for table in partitions)}
    assert controls <= sampled, "control: others are sampled"
    about_persons = {
        (table, column)
        for table, column in sampled
        for excluded, name in _EXCLUDED
        if column == name and table.startswith(excluded)
    }
    assert about_persons == set()
    # The index expressions over contacts; another one is over verdicts.
    assert {(f"{table}_campaign_signal_expr_expr1_idx", "expr") for table in partitions} <= sampled
    indexes = {
        table for table, column in sampled if column == "expr1" or table.endswith("_expr_idx")
    }
    assert indexes == set()
