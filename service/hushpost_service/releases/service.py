"""Releases the anonymous counts of campaigns when a date of their schedule has passed.

Every authority runs this. A date is released in one transaction, which locks the campaign's
row, draws the noise and stores it. The primary key of `releases` contains the date, so a
date cannot be released twice: not by two authorities, after a crash, or after a jump of
the database's clock. If several dates have passed, only the latest is released; the
budget of the others stays unspent.
"""

import asyncio
from datetime import datetime

import structlog

from hushpost_service.domain.cells import scale_of
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.mode_counts import add_noise
from hushpost_service.domain.noise import with_noise
from hushpost_service.domain.release_plan import ReleasePlan
from hushpost_service.domain.release_schedule import latest_due, next_due
from hushpost_service.releases.counts import count_for_release
from hushpost_service.storage import releases as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database

__all__ = ["Releases"]

_log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_CAMPAIGNS_PER_READ = 100


class Releases:
    """Releases what is due."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_forever(self) -> None:
        """Release what is due, every second, until cancelled."""
        while True:
            try:
                await self.run_once()
            except HushpostError as error:
                _log.warning("reading due releases failed; will retry", reason=error.reason)
            await asyncio.sleep(_POLL_SECONDS)

    async def run_once(self) -> None:
        """Release what is due, a limited number of campaigns."""
        async with self._database.connection("read due releases") as connection:
            due = await storage.due_campaigns(connection, _CAMPAIGNS_PER_READ)
        for tenant, campaign in due:
            try:
                await self._release(tenant, campaign)
            except HushpostError as error:
                # The others must not wait for this one.
                _log.warning(
                    "releasing counts failed; will retry", tenant=tenant, reason=error.reason
                )

    async def _release(self, tenant: int, campaign: int) -> None:
        """Release the latest date that has passed, unless another authority does."""

        async def work(connection: Connection) -> bool:
            due = await storage.lock_due(connection, tenant, campaign)
            if due is None:
                return False
            date = latest_due(due.start_time, due.delays, due.now)
            if date is None:
                return False
            found = await count_for_release(connection, tenant, campaign, due.epsilon)
            plan = ReleasePlan(due.epsilon, len(due.delays))
            scales = [scale_of(plan, date, cell) for cell in found.counts]
            # In a thread, because it takes a second for 100,000 counts.
            noisy = await asyncio.to_thread(with_noise, list(found.counts.values()), scales)
            released = dict(zip(found.counts, noisy, strict=True))
            before = await storage.last_sent(connection, tenant, campaign)
            sent = await asyncio.to_thread(add_noise, found.sent, before, due.epsilon, with_noise)
            await storage.insert_release(
                connection, tenant, campaign, date, due.now, released, sent
            )
            next_time = next_due(due.start_time, due.delays, due.now)
            await storage.set_next(connection, tenant, campaign, next_time)
            return True

        if await self._database.transact("release", work):
            _log.info("counts released", tenant=tenant)

    async def skip(self, until: datetime) -> int:
        """Skip the dates that were due until a time, and return how many campaigns had one.

        For a database that was restored from a backup: releases that were made after the
        backup are lost, and to make them again, with other noise, would spend their budget
        twice.
        """
        skipped = 0
        while True:
            async with self._database.connection("skip releases") as connection:
                found = await storage.due_until(connection, until, _CAMPAIGNS_PER_READ)
                for campaign in found:
                    next_time = next_due(campaign.start_time, campaign.delays, until)
                    await storage.skip(connection, campaign, next_time)
            skipped += len(found)
            if len(found) < _CAMPAIGNS_PER_READ:
                return skipped
