"""Reports to the health service whether the database answers; restarts an embedded one."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError
from hushpost_service.rpc.health import Health
from hushpost_service.startup import OpenedDatabase
from hushpost_service.storage.embedded import EmbeddedDatabaseError
from hushpost_service.storage.probe import DatabaseHangsError, DatabaseLostError, Probe

__all__ = ["follow_clock", "watch_database"]

_INTERVAL_SECONDS = 1.0
_CLOCK_SECONDS = 2.0


async def watch_database(opened: OpenedDatabase, health: Health, campaigns: CampaignCache) -> None:
    """Probe the database until cancelled.

    With the probe's time limit of two seconds, health is NOT_SERVING at most three seconds
    after the database has stopped to answer.

    Clears the cache of campaigns when the server has changed, and replaces the connections
    to the previous one: a standby that is promoted may lack campaigns that were created just
    before, and the previous primary may hang instead of closing its connections.
    """
    probe = Probe(opened.dsn)
    known_start: datetime | None = None
    try:
        while True:
            try:
                start = await probe.server_start()
            except DatabaseLostError as error:
                await health.set_serving(serving=False)
                # A server that hangs is running; it may go on at any time.
                if opened.embedded is not None and not isinstance(error, DatabaseHangsError):
                    with suppress(EmbeddedDatabaseError):
                        await opened.embedded.ensure_running()
            else:
                if known_start not in (None, start):
                    campaigns.clear()
                    await opened.database.expire_connections()
                known_start = start
                await health.set_serving(serving=True)
            await asyncio.sleep(_INTERVAL_SECONDS)
    finally:
        probe.close()


async def follow_clock(measure: Callable[[], Awaitable[None]]) -> None:
    """Measure the database's clock every two seconds, until cancelled.

    It uses the connection pool, so that it may wait while the database hangs; health does not
    wait for it.
    """
    while True:
        with suppress(HushpostError):  # the storage layer has logged it
            await measure()
        await asyncio.sleep(_CLOCK_SECONDS)
