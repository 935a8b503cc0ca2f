"""Reads the authority's database directly."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from tests import citus_database

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

_OF_TENANTS = (
    "campaign_groups",
    "campaign_messages",
    "anonymous_messages",
    "campaigns",
    "contacts",
    "counters",
    "events",
    "anonymization_jobs",
    "issue_keys",
    "issued_contacts",
    "last_opens",
    "links",
    "preference_changes",
    "released_counts",
    "released_sent",
    "releases",
    "sent",
    "slot_bits",
)
_OF_ALL = (
    "api_keys",
    "keyring_keys",
    "page_brandings",
    "policies",
    "request_ids",
    "tenants",
    "tracking_domains",
)
_OF_SCHEMA = ("alembic_version", "schema_compatibility")


def database_uri(data_dir: Path) -> str:
    """Return the connection string of the database of a data folder."""
    if (address := citus_database.address_in(data_dir)) is not None:
        return address
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    return f"postgresql://postgres@/postgres?host={lines[4].strip()}"


class _Connected(AbstractAsyncContextManager["Connection"]):
    def __init__(self, uri: str) -> None:
        self._uri = uri

    async def __aenter__(self) -> "Connection":
        self._connection: Connection = await asyncpg.connect(self._uri)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        # Without a graceful close, because the server may have been killed.
        self._connection.terminate()


def on(uri: str) -> _Connected:
    """Connect to a database directly."""
    return _Connected(uri)


def connected(data_dir: Path) -> _Connected:
    """Connect to the database of a data folder directly."""
    return on(database_uri(data_dir))


async def tables(connection: "Connection") -> set[str]:
    """Return the names of all tables except partitions."""
    rows = await connection.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    )
    return {name for (name,) in rows}


async def contents(connection: "Connection", tenants: Sequence[int]) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a digest of each table, limited to some tenants.

    Fails where a table has been added that it does not know.
    """
    unknown = await tables(connection) - {*_OF_TENANTS, *_OF_ALL, *_OF_SCHEMA}
    assert not unknown, f"tell inspection.py about {unknown}"
    found = {}
    for table in (*_OF_TENANTS, *_OF_ALL):
        where = "where tenant = any($1)" if table in _OF_TENANTS else "where $1::int[] is not null"
        # The last use of a key is written some time after the call.
        row = "(to_jsonb(t) - 'last_used_date')" if table == "api_keys" else "t"
        rows = [
            text
            for (text,) in await connection.fetch(
                f"select {row}::text from {table} t {where} order by 1",  # noqa: S608 - names of ours
                list(tenants),
            )
        ]
        found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return found


async def tenant_number(connection: "Connection", tenant_id: str) -> int:
    """Return the number of a tenant."""
    number: Any = await connection.fetchval(
        "select tenant from tenants where tenant_id = $1", tenant_id
    )
    return int(number)


async def contact_number(connection: "Connection", tenant: int, contact_id: str) -> int:
    """Return the number of a contact."""
    number: Any = await connection.fetchval(
        "select contact from contacts where tenant = $1 and contact_id = $2", tenant, contact_id
    )
    return int(number)


async def events_of(connection: "Connection", tenant: int, contact_id: str) -> int:
    """Return the number of event rows that name a contact."""
    count: Any = await connection.fetchval(
        "select count(*) from events join contacts using (tenant, contact)"
        " where tenant = $1 and contact_id = $2",
        tenant,
        contact_id,
    )
    return int(count)
