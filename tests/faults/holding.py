"""Blocks anonymization with row locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.citus_database import is_on_citus
from tests.inspection import Connection, tenant_number
from tests.mailing import Mailing


@asynccontextmanager
async def counters_held(connection: Connection, mailing: Mailing) -> AsyncIterator[None]:
    """Block the anonymization of a campaign's events until the block ends."""
    tenant = await tenant_number(connection, mailing.clients.tenant_id)
    campaign = await connection.fetchval(
        "select campaign from campaigns where tenant = $1 and campaign_id = $2",
        tenant,
        mailing.campaign_id,
    )
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "select 1 from counters where tenant = $1 and campaign = $2 and mode = 1 for update",
            tenant,
            campaign,
        )
        yield
    finally:
        if not connection.is_closed():
            await transaction.rollback()


async def someone_waits(connection: Connection) -> bool:
    """Return whether a transaction waits for a lock."""
    if is_on_citus():
        return bool(await connection.fetchval("select exists (select 1 from citus_lock_waits)"))
    return bool(await connection.fetchval("select exists (select from pg_locks where not granted)"))
