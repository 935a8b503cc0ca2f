"""Folding: moves events that name a contact to the anonymous side.

What an opt-out, an erasure or a stricter policy promises stands in `foldings`
from the commit that promises it, so that a crash half way is finished at the
next start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import structlog

from hushpost_service.catalog import Catalog
from hushpost_service.errors import HushpostError
from hushpost_service.policy import DoNotTrack, History, Mode
from hushpost_service.slots import SlotPool
from hushpost_service.storage import folding as storage
from hushpost_service.storage import recording
from hushpost_service.storage.database import Database
from hushpost_service.storage.folding import ContactFolding, PolicyFolding
from hushpost_service.tally import Fold
from hushpost_service.verdict import Verdict

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = ["Folding", "folded_mode"]

_log = structlog.get_logger(__name__)

_EVENTS = 5000
"""Events of one transaction: a fraction of a second, so that nobody waits long."""

_CONTACTS = 500
_RETRY_SECONDS = 5


def folded_mode(mode: Mode) -> Mode:
    """Return the mode in which the past counts for a contact that is in `mode` now.

    Events that were recorded with consent stay in the totals, but one that may
    only be counted as part of a group is not told apart from the others.
    """
    return Mode.ANONYMOUS if mode <= Mode.ANONYMOUS else Mode.AGGREGATE


class Folding:
    """Keeps the promises that stand in `foldings`, and those of retention."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        slots: SlotPool,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._slots = slots
        self._clock = clock
        self._jobs: set[asyncio.Task[None]] = set()
        self._policy_lock = asyncio.Lock()

    async def of_contacts(self, tenant: int, contacts: Sequence[int] | None = None) -> None:
        """Keep the promises about the given contacts, or about all of a tenant."""
        async with self._database.connection("read foldings") as connection:
            promises = await storage.contact_foldings(connection, tenant, contacts)
        order = sorted(promises, key=_kind)
        for (history, mode), group in groupby(order, key=_kind):
            same = list(group)
            for start in range(0, len(same), _CONTACTS):
                part = same[start : start + _CONTACTS]
                numbers = [promise.contact for promise in part]
                if history is History.KEEP:
                    await self._detach(tenant, numbers)
                else:
                    await self._fold(tenant, numbers, Mode(mode))
                await self._done(tenant, [promise.number for promise in part])

    def start_policy_job(self, tenant: int) -> None:
        """Fold in the background what a stricter policy concerns."""
        self._start(partial(self._of_policy, tenant))

    def start_pending(self) -> None:
        """Finish in the background what was promised before the last stop."""
        self._start(self._pending)

    async def progress(self, tenant: int) -> PolicyFolding | None:
        """Return how far a tenant's policy job has come, None where there is none."""
        async with self._database.connection("read foldings") as connection:
            jobs = await storage.policy_foldings(connection, tenant)
        return jobs[0] if jobs else None

    async def expire(self, tenant: int, retention_days: int) -> int:
        """Fold what is older than the tenant keeps; return how many events.

        All events of a contact on a campaign go together, and to a slot that no
        mail bears: an event that comes later is identified again and may name
        the slot, which therefore must have no anonymous bit.
        """
        before = self._clock() - timedelta(days=retention_days)
        total = 0
        while True:
            async with self._database.connection("read expired") as connection:
                pairs = await storage.expired(connection, tenant, before, _CONTACTS)
            if not pairs:
                return total
            total += await self._fold_expired(tenant, pairs)

    async def close(self) -> None:
        """Stop the background jobs; what they have not finished stays promised."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        job = asyncio.create_task(_until_done(work))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _pending(self) -> None:
        async with self._database.connection("read foldings") as connection:
            pending = await storage.tenants_with_foldings(connection)
        for tenant in pending:
            await self.of_contacts(tenant)
            await self._of_policy(tenant)

    async def _of_policy(self, tenant: int) -> None:
        # One at a time in this process; two processes do the same work twice,
        # which is slower but right: events are taken out once.
        async with self._policy_lock:
            async with self._database.connection("read foldings") as connection:
                jobs = await storage.policy_foldings(connection, tenant)
                rule = await self._catalog.mode_rule(connection, tenant)
            modes = {
                state: folded_mode(rule.policy.mode(state))
                for state in DoNotTrack
                if rule.policy.mode(state) > Mode.IDENTIFIED
            }
            for job in jobs:
                await self._run(tenant, job, modes)
                await self._done(tenant, [job.number])

    async def _run(self, tenant: int, job: PolicyFolding, modes: dict[DoNotTrack, Mode]) -> None:
        async with self._database.connection("count foldings") as connection:
            total = await storage.count_events(connection, tenant, list(modes))
            await storage.set_total(connection, tenant, job.number, job.folded_events + total)
        after = 0
        while True:
            async with self._database.connection("read foldings") as connection:
                found = await storage.contacts_with_events(
                    connection, tenant, after, list(modes), _CONTACTS
                )
            if not found:
                return
            for state, mode in modes.items():
                numbers = [contact for contact, has in found if has is state]
                if numbers and job.history is History.KEEP:
                    await self._detach(tenant, numbers)
                elif numbers:
                    await self._fold(tenant, numbers, mode, job.number)
            after = found[-1][0]

    async def _fold(
        self, tenant: int, contacts: Sequence[int], mode: Mode, job: int | None = None
    ) -> None:
        """Fold all events of contacts, a part at a time."""

        async def work(connection: "Connection") -> int:
            rows = await storage.take_events(connection, tenant, contacts, _EVENTS)
            await _apply(connection, tenant, Fold.of_events(rows, mode))
            if job is not None:
                await storage.add_folded(connection, tenant, job, len(rows))
            return len(rows)

        while await self._database.transact("fold", work) == _EVENTS:
            pass

    async def _fold_expired(self, tenant: int, pairs: Sequence[tuple[int, int]]) -> int:
        async def work(connection: "Connection") -> int:
            rows = await storage.take_expired(connection, tenant, pairs)
            moves = {
                slot: (await self._slots.take(tenant, slot[0], slot[1], 1))[0]
                for slot in {(campaign, group, slot) for campaign, _, _, _, group, slot, *_ in rows}
            }
            fold = Fold.of_events(
                rows,
                Mode.ANONYMOUS,
                lambda campaign, group, slot: moves[campaign, group, slot],
            )
            await _apply(connection, tenant, fold)
            return len(rows)

        return await self._database.transact("fold expired", work)

    async def _detach(self, tenant: int, contacts: Sequence[int]) -> None:
        """Let contacts' events stay, on slots that no mail bears.

        Later events on the same mail are anonymous and mark the slot that the
        mail does bear: no row must tell whose that is.
        """
        for contact in contacts:
            async with self._database.connection("read slots") as connection:
                slots = await storage.slots_of_contact(connection, tenant, contact)
            for slot in slots:
                moved = (await self._slots.take(tenant, slot[0], slot[1], 1))[0]
                await self._move(tenant, contact, slot, moved)

    async def _move(
        self, tenant: int, contact: int, slot: tuple[int, int, int], moved: int
    ) -> None:
        campaign, group, number = slot

        async def work(connection: "Connection") -> None:
            signals = await storage.slot_signals(connection, tenant, contact, slot)
            await storage.move_slot(connection, tenant, contact, slot, moved)
            places = {
                (campaign, group, signal, Verdict(verdict).is_machine)
                for signal, verdict in signals
            }
            await _apply(connection, tenant, Fold.of_slot(places, number, moved))

        await self._database.transact("detach history", work)

    async def _done(self, tenant: int, numbers: Sequence[int]) -> None:
        async with self._database.connection("end foldings") as connection:
            await storage.delete_foldings(connection, tenant, numbers)


async def _apply(connection: "Connection", tenant: int, fold: Fold) -> None:
    # Locked in the recorder's order, so that the two cannot deadlock.
    if fold.cleared:
        await recording.seen_slots(connection, tenant, sorted(fold.cleared))
    await recording.clear_slots(connection, tenant, fold.cleared)
    await recording.merge_slots(connection, tenant, fold.marked)
    await recording.add_events(connection, tenant, fold.counts, fold.first)


async def _until_done(work: Callable[[], Awaitable[None]]) -> None:
    """Do the work, and try again while the database is away."""
    while True:
        try:
            await work()
        except HushpostError as error:
            _log.warning("folding is interrupted", reason=error.reason)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


def _kind(promise: ContactFolding) -> tuple[History, Mode]:
    return promise.history, promise.mode
