"""Periodic maintenance: creates partitions, enforces retention, drops partitions."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.message_budget import period_of
from hushpost_service.domain.validation import oldest_event
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.storage import tenants
from hushpost_service.storage.anonymous_messages import delete_old_counts
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import create_partitions, drop_partitions

__all__ = ["Maintenance"]

_log = structlog.get_logger(__name__)

_INTERVAL_SECONDS = 3600
_RETENTION_SECONDS = 24 * 3600
"""From one search for expired events to the next: it reads the month that expires next."""

_PAUSE_SECONDS = 24 * 3600
"""How long retention pauses after a jump of the database's clock."""


class Maintenance:
    """Runs the maintenance jobs every hour, and retention once a day."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        anonymizer: Anonymizer,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._anonymizer = anonymizer
        self._clock = clock
        self._monotonic = monotonic
        self._retention_time = monotonic()

    async def create_partitions(self, now: datetime) -> None:
        """Create the partitions that recording needs at that time."""

        async def work(connection: Connection) -> None:
            await create_partitions(connection, oldest_event(now), now)

        await self._database.transact("create partitions", work)

    async def prepare_jump(self, now: datetime) -> None:
        """Prepare a jump of the clock to a time.

        Retention pauses for a day: the clock may be wrong now, and events that were
        deleted too early could not be restored.
        """
        await self.create_partitions(now)
        self._retention_time = self._monotonic() + _PAUSE_SECONDS

    async def run_once(self) -> None:
        """Run all jobs that are due once."""
        await self.create_partitions(self._clock())
        if self._monotonic() >= self._retention_time:
            await self._enforce_retention()
            self._retention_time = self._monotonic() + _RETENTION_SECONDS
        await self._drop_partitions()

    async def run_forever(self) -> None:
        """Run all jobs every hour, until cancelled."""
        while True:
            try:
                await self.run_once()
            except HushpostError as error:
                _log.warning("maintenance failed, will retry", reason=error.reason)
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _enforce_retention(self) -> None:
        """Delete the events that are older than their tenant's retention period.

        Deletes counts of anonymous messages that limit no more messages, too.
        """
        async with self._database.connection("read tenants") as connection:
            numbers = list(await tenants.tenant_ids(connection))
            rules = {
                number: await self._campaigns.mode_rule(connection, number) for number in numbers
            }
        for number, rule in rules.items():
            deleted = await self._anonymizer.delete_expired_events(
                number, rule.policy.retention_days
            )
            if deleted:
                _log.info("expired events deleted", tenant=number, events=deleted)
            async with self._database.connection("delete old counts of messages") as connection:
                await delete_old_counts(connection, number, period_of(self._clock()))

    async def _drop_partitions(self) -> None:
        now = self._clock()

        async def work(connection: Connection) -> list[str]:
            return await drop_partitions(connection, oldest_event(now), now)

        dropped = await self._database.transact("drop partitions", work)
        if dropped:
            _log.info("partitions dropped", names=dropped)
