"""The job that keeps tables in shape: partitions and retention."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.validation import oldest_event
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.storage import tenants
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import drop_partitions, make_partitions

__all__ = ["Maintenance"]

_log = structlog.get_logger(__name__)

_INTERVAL_SECONDS = 3600


class Maintenance:
    """Makes partitions ahead, folds what is too old, drops what is of no more use."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        anonymizer: Anonymizer,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._anonymizer = anonymizer
        self._clock = clock

    async def prepare(self) -> None:
        """Make the partitions that recording needs."""
        now = self._clock()

        async def work(connection: Connection) -> None:
            await make_partitions(connection, oldest_event(now), now)

        await self._database.transact("make partitions", work)

    async def run(self) -> None:
        """Do everything once."""
        await self.prepare()
        async with self._database.connection("read tenants") as connection:
            numbers = list(await tenants.tenant_ids(connection))
            rules = {
                number: await self._campaigns.mode_rule(connection, number) for number in numbers
            }
        for number, rule in rules.items():
            folded = await self._anonymizer.anonymize_expired_events(
                number, rule.policy.retention_days
            )
            if folded:
                _log.info("events folded after retention", tenant=number, events=folded)
        now = self._clock()

        async def work(connection: Connection) -> list[str]:
            return await drop_partitions(connection, oldest_event(now), now)

        dropped = await self._database.transact("drop partitions", work)
        if dropped:
            _log.info("partitions dropped", names=dropped)

    async def run_forever(self) -> None:
        """Do everything every hour, until cancelled."""
        while True:
            try:
                await self.run()
            except HushpostError as error:
                _log.warning("maintenance is put off", reason=error.reason)
            await asyncio.sleep(_INTERVAL_SECONDS)
