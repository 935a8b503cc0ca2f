"""Blocks anonymization with row locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.inspection import Connection
from tests.mailing import Mailing


@asynccontextmanager
async def counters_held(connection: Connection, mailing: Mailing) -> AsyncIterator[None]:
    """Block the anonymization of a campaign's events until the block ends."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "select from counters where campaign ="
            " (select campaign from campaigns join tenants using (tenant)"
            "  where tenant_id = $1 and campaign_id = $2) and mode = 1 for update",
            mailing.clients.tenant_id,
            mailing.campaign_id,
        )
        yield
    finally:
        if not connection.is_closed():
            await transaction.rollback()


async def someone_waits(connection: Connection) -> bool:
    """Return whether a transaction waits for a lock."""
    return bool(await connection.fetchval("select exists (select from pg_locks where not granted)"))
