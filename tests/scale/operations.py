"""The operations of the service that are measured, each through the service's own classes."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hushpost_service.admin.service import Admin
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.consent import DoNotTrack
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.events import ALL_SIGNALS, SignalRange
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release_limits import ReleaseLimits
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.entries import PreferenceEntry
from hushpost_service.preferences.erasing import ContactEraser, Proof
from hushpost_service.preferences.setting import PreferenceSetter
from hushpost_service.preferences.time_steps import TimeSteps
from hushpost_service.stats.service import Stats
from hushpost_service.storage import contacts
from hushpost_service.storage.backlog import read_backlog
from hushpost_service.storage.campaigns import Link
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import create_partitions, drop_partitions
from hushpost_service.storage.preference_log import Source
from hushpost_service.storage.request_ids import PERIOD_SECONDS, Method
from hushpost_service.storage.sql.partitions import CREATE_REQUEST_IDS_PARTITION
from tests.scale.shape import (
    FREQUENT_CONTACTS,
    RARE_LINK,
    CampaignShape,
    Size,
    campaign_shapes,
    contact_id,
    month_starts,
)
from tests.scale.statements import CLAIMED_REQUEST_IDS

__all__ = ["OPERATIONS", "Operation", "Operations"]

_PAGE = 100
_PER_BLOCK = 1024 * (2 * 5 + 4)
"""Buffers to read a block of 1,024 contacts: of each five events, with their part of the index, and
the contact itself through an index of three or four levels."""

_EVENTS_PER_REQUEST_ID = 300
_OLD_WEEKS = 50

_CONTACTS_MAPS = 200
"""Buffers of a vacuum of contacts that changed a few rows, in the largest database: the maps of the table
have a page per 32 MB (free space) and per 256 MB (visibility)."""

_POLL_SECONDS = 0.05
_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation to measure.

    Attributes:
        name: What it does, in words.
        run: Does it.
        prepare: Is awaited before, and not measured.
        growth: Why it may touch more buffers in a larger database; "" if it must not.
        buffers: How many its result explains, at any size: up to these it may grow.
    """

    name: str
    run: Callable[["Operations"], Awaitable[object]]
    prepare: Callable[["Operations"], Awaitable[object]] | None = None
    growth: str = ""
    buffers: int = 0


class Operations:
    """Runs the operations on a database of a size. Some consume a probe each time."""

    def __init__(self, database: Database, size: Size, now: datetime, consumed: int) -> None:
        """Take how often the operations have been run on the database before."""
        self.database = database
        self._size = size
        self._now = now
        self._runs = consumed
        campaigns = campaign_shapes(size, now)
        self._probe = campaigns[0]
        self._largest = next(campaign for campaign in campaigns if not campaign.is_probe)
        cache = CampaignCache(database, lambda: 0.0)
        limits = ReleaseLimits(max_epsilon=10, allow_exact=True)
        vacuum, steps = ContactVacuum(database), TimeSteps(0)
        self._anonymizer = Anonymizer(database, cache, self._clock)
        self._stats = Stats(database, cache)
        self._campaigns = Campaigns(database, cache, limits, self._clock)
        self._admin = Admin(database, cache, self._anonymizer, limits, self._clock)
        self._setter = PreferenceSetter(
            database,
            cache,
            self._anonymizer,
            ContactNumbers(secrets.randbelow),
            vacuum,
            steps,
            self._clock,
        )
        self._eraser = ContactEraser(database, self._anonymizer, vacuum, steps, self._clock)

    def _clock(self) -> datetime:
        return self._now

    def next_run(self) -> None:
        """Use other probes from now on."""
        self._runs += 1

    async def report(self, campaign: CampaignShape) -> None:
        """Read the numbers of a campaign."""
        await self._stats.campaign(campaign.tenant, f"campaign-{campaign.campaign}")

    async def report_of_probe(self) -> None:
        """Read the numbers of a campaign that is the same at any size."""
        await self.report(self._probe)

    async def report_of_largest(self) -> None:
        """Read the numbers of the largest campaign."""
        await self.report(self._largest)

    async def engaged_contacts(self, signals: SignalRange) -> None:
        """List the first contacts with events in the largest campaign."""
        await self._stats.engaged_contacts(
            self._largest.tenant,
            f"campaign-{self._largest.campaign}",
            signals=signals,
            after=0,
            limit=_PAGE,
            include_machine=True,
        )

    async def opt_out(self) -> None:
        """Let a contact with 1,000 events decline tracking."""
        assert self._runs < FREQUENT_CONTACTS, "no contact is left"
        await self._decline(self._runs)

    async def opt_out_of_usual_contact(self) -> None:
        """Let a contact with about five events decline tracking."""
        await self._decline(500 + self._runs)

    async def _decline(self, position: int) -> None:
        contact = contact_id(self._probe.first_contact + position)
        await self._setter.set_preferences(
            self._probe.tenant,
            [PreferenceEntry(contact, DoNotTrack.TRUE, Source.RECIPIENT)],
            history=None,
            actor="scale",
            method=Method.SET_PREFERENCE,
            request=None,
        )

    async def erase_contact(self) -> None:
        """Erase a contact."""
        contact = contact_id(self._probe.first_contact + 600 + self._runs)
        await self._eraser.erase(self._probe.tenant, contact, Proof.DELETE, None)

    async def tighten_policy(self) -> None:
        """Make a tenant's policy stricter, and run the job that anonymizes its events."""
        tenant = self._size.probe(1 + self._runs)
        await self._admin.update_policy(
            f"tenant-{tenant}",
            settings={"mode_when_unset": Mode.ANONYMOUS},
            branding={},
            default_domain=None,
            actor="scale",
            request=None,
        )
        jobs = asyncio.create_task(self._anonymizer.run_forever())
        while await self._anonymizer.progress(tenant) is not None:  # noqa: ASYNC110 - the job is in the database
            await asyncio.sleep(_POLL_SECONDS)
        jobs.cancel()
        with suppress(asyncio.CancelledError):
            await jobs
        await self._anonymizer.close()

    async def delete_expired(self) -> None:
        """Delete the events of a tenant's first month, a campaign."""
        days = (self._now - month_starts(self._now)[1]).days
        tenant = self._size.probe(5 + self._runs)
        assert await self._anonymizer.delete_expired_events(tenant, days)

    async def find_nothing_expired(self) -> None:
        """Look for expired events of the largest tenant, whose first month has none yet."""
        days = (self._now - month_starts(self._now)[0]).days
        assert not await self._anonymizer.delete_expired_events(self._largest.tenant, days)

    async def register_link(self) -> None:
        """Add a link to a campaign."""
        await self._campaigns.extend(
            self._probe.tenant,
            f"campaign-{self._probe.campaign}",
            links=[Link(f"https://shop.example/added/{self._runs}")],
            groups=[],
            request=None,
        )

    async def create_partition(self) -> None:
        """Create the partition of a further month."""
        await self._create(self._now + _MONTH * (1 + self._runs))

    async def create_old_partition(self) -> None:
        """Create the partitions of the month that is dropped later."""
        await self._create(self._now, month_starts(self._now, 7)[0])

    async def _create(self, now: datetime, oldest: datetime | None = None) -> None:
        async with self.database.connection("create") as connection, connection.transaction():
            await create_partitions(connection, oldest or now, now)

    async def drop_partition(self) -> None:
        """Drop the partition of a month without events."""
        async with self.database.connection("drop") as connection, connection.transaction():
            oldest = month_starts(self._now)[0]
            assert await drop_partitions(connection, oldest, self._now)

    async def fill_weeks_of_request_ids(self) -> None:
        """Claim request ids in three old weeks, of which the last two are kept."""
        rows = self._size.events // _EVENTS_PER_REQUEST_ID
        oldest = int(self._now.timestamp()) // PERIOD_SECONDS - _OLD_WEEKS + 3 * self._runs
        async with self.database.connection("fill") as connection:
            for period in range(oldest, oldest + 3):
                name = f"request_ids_{period}"
                await connection.execute(
                    CREATE_REQUEST_IDS_PARTITION.format(name=name, period=period)
                )
                await connection.execute(CLAIMED_REQUEST_IDS, period, rows)

    async def drop_request_ids(self) -> None:
        """Drop the partitions of request ids that are too old."""
        async with self.database.connection("drop") as connection, connection.transaction():
            oldest = month_starts(self._now)[0]
            assert await drop_partitions(connection, oldest, self._now)

    async def read_backlog(self) -> None:
        """Read what waits, as the metrics do."""
        async with self.database.connection("backlog") as connection:
            await read_backlog(connection, timedelta(minutes=1))

    async def vacuum(self) -> None:
        """Vacuum contacts, as the service does after it has written some."""
        async with self.database.connection("vacuum") as connection:
            assert await contacts.vacuum(connection)


OPERATIONS = (
    Operation("report of a campaign", Operations.report_of_probe),
    Operation(
        "report of the largest campaign",
        Operations.report_of_largest,
        growth="slot bits: a page per 16,000 messages and signal",
    ),
    Operation(
        "first 100 engaged contacts of the largest campaign",
        lambda operations: operations.engaged_contacts(ALL_SIGNALS),
        buffers=_PER_BLOCK,
    ),
    Operation(
        "20 contacts that clicked a rare link of it",
        lambda operations: operations.engaged_contacts((RARE_LINK, RARE_LINK)),
        buffers=20 * _PER_BLOCK,
    ),
    Operation("opt-out of a contact with 1,000 events", Operations.opt_out),
    Operation("opt-out of a contact with 5 events", Operations.opt_out_of_usual_contact),
    Operation("vacuum of contacts after that", Operations.vacuum, buffers=_CONTACTS_MAPS),
    Operation("stricter policy of a tenant with 5,000 events", Operations.tighten_policy),
    Operation("retention of 1,280 expired events", Operations.delete_expired),
    Operation(
        "retention without expired events",
        Operations.find_nothing_expired,
        growth="reads the tenant's events of the month that expires next, once a day",
    ),
    Operation("registration of a link", Operations.register_link),
    Operation("creation of a partition", Operations.create_partition),
    Operation(
        "drop of an empty partition",
        Operations.drop_partition,
        prepare=Operations.create_old_partition,
    ),
    Operation(
        "drop of weeks of request ids",
        Operations.drop_request_ids,
        prepare=Operations.fill_weeks_of_request_ids,
    ),
    Operation("read_backlog", Operations.read_backlog),
    Operation(
        "vacuum of contacts after an erasure",
        Operations.vacuum,
        prepare=Operations.erase_contact,
        growth="reads both indexes of contacts",
    ),
)
