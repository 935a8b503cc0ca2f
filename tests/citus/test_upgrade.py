"""A distributed database is migrated to the schema of a later release."""

from pathlib import Path

import pytest

from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.distribution import distribute, undistributed_tables
from hushpost_service.storage.revisions import Phase
from hushpost_service.storage.schema import migrate
from tests.added_revision import AddRevision
from tests.inspection import on

REVISION = """
create table later_table (tenant integer, primary key (tenant));
alter table contacts add column later_column integer not null default 0;
create index later_index on contacts (tenant, later_column)
"""

COLOCATED = """
select count(distinct colocationid) from pg_dist_partition
where logicalrelid in ('later_table'::regclass, 'policies'::regclass)
"""


async def test_a_new_table_is_distributed_when_the_command_is_repeated(
    distributed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows will be where those of the tenant are. Authorities may run meanwhile."""
    AddRevision(tmp_path, monkeypatch)(Phase.PRE_DEPLOY, REVISION)
    authority = await Database.connect(
        distributed, connections=1, application_name="hushpost key 1", kind=DatabaseKind.DISTRIBUTED
    )
    try:
        async with authority.connection("test") as connection:
            await migrate(distributed)
            before = await undistributed_tables(connection)
            distributed_now = await distribute(distributed, 4)
            after = await undistributed_tables(connection)
    finally:
        await authority.close()

    assert (before, distributed_now, after) == (["later_table"], ["later_table"], [])
    async with on(distributed) as fresh:
        assert await fresh.fetchval(COLOCATED) == 1
        assert await fresh.fetchval("select count(later_column) from contacts") == 0
