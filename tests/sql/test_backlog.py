"""What waits in the database, for metrics."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from hushpost_service.storage.backlog import Backlog, read_backlog
from hushpost_service.storage.connection import Connection as Pooled
from hushpost_service.storage.sql import backlog as sql
from tests.inspection import Connection, on

MINUTE = timedelta(minutes=1)
TENANT = 4_321

INSERT_JOB = """
insert into anonymization_jobs (tenant, contact, history, start_time, total_events, anonymized_events)
values ($1, 1, 1, clock_timestamp() - $2::interval, 0, 0)
"""

INSERT_CAMPAIGN = """
insert into campaigns (
    tenant, campaign, campaign_id, display_name, create_time, release, epsilon, release_delays,
    next_release_time, max_mode, issue_key_digest, search_text
)
values ($1, $2, $2::bigint::text, '', now(), 1, 1, '{}', clock_timestamp() - $3::interval, 1, '', '')
"""


@pytest.fixture
async def connection(migrated_database: str) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back."""
    async with on(migrated_database) as connection:
        await connection.execute("begin; set enable_seqscan = off; set enable_sort = off")
        # Other tests share the database.
        await connection.execute(
            "delete from anonymization_jobs; update campaigns set next_release_time = null"
        )
        yield connection


async def _read(connection: Connection) -> Backlog:
    return await read_backlog(cast(Pooled, connection), MINUTE)


async def test_nothing_waits_in_a_new_database(connection: Connection) -> None:
    """Partitions exist for two months and four weeks ahead."""
    backlog = await _read(connection)
    assert (backlog.jobs, backlog.oldest_job, backlog.release_lag) == (0, timedelta(), timedelta())
    assert backlog.partitions_ahead["events"] >= 2
    assert backlog.partitions_ahead["request_ids"] >= 3


async def test_old_jobs_wait(connection: Connection) -> None:
    """Jobs of the last minute do not count: they would tell that an opt-out had work to do."""
    for seconds in (5, 59):
        await connection.execute(INSERT_JOB, TENANT, timedelta(seconds=seconds))
    assert (await _read(connection)).jobs == 0
    for minutes in (5, 90):
        await connection.execute(INSERT_JOB, TENANT, timedelta(minutes=minutes))
    backlog = await _read(connection)
    assert backlog.jobs == 2
    assert timedelta(minutes=90) < backlog.oldest_job < timedelta(minutes=91)


async def test_a_date_of_release_that_has_passed_waits(connection: Connection) -> None:
    """Dates in the future do not; of several, the oldest counts."""
    await connection.execute(INSERT_CAMPAIGN, TENANT, 1, -timedelta(hours=1))
    assert (await _read(connection)).release_lag == timedelta()
    await connection.execute(INSERT_CAMPAIGN, TENANT, 2, timedelta(hours=2))
    await connection.execute(INSERT_CAMPAIGN, TENANT, 3, timedelta(hours=1))
    lag = (await _read(connection)).release_lag
    assert timedelta(hours=2) < lag < timedelta(hours=2, minutes=1)


@pytest.mark.parametrize("table", ["events", "request_ids"])
async def test_partitions_after_a_gap_do_not_count(connection: Connection, table: str) -> None:
    """Without the next partition none is ahead, and without the current one it is -1."""
    names: list[Any] = await connection.fetch(
        "select inhrelid::regclass::text from pg_inherits where inhparent = $1::text::regclass"
        " order by 1 desc",
        table,
    )
    ahead = (await _read(connection)).partitions_ahead[table]
    (following,), (current,) = names[ahead - 1], names[ahead]
    await connection.execute(f"drop table {following}")
    assert (await _read(connection)).partitions_ahead[table] == 0
    await connection.execute(f"drop table {current}")
    assert (await _read(connection)).partitions_ahead[table] == -1


async def test_the_next_release_is_found_by_an_index(connection: Connection) -> None:
    """However many campaigns there are."""
    lines = await connection.fetch(f"explain {sql.NEXT_RELEASE}")
    assert "campaigns_due" in lines[0][0] + lines[1][0]
