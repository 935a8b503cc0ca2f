"""Anonymizer: moves events that name a contact to the anonymous side.

What an opt-out, an erasure or a stricter policy promises stands in `anonymization_jobs`
from the commit that promises it. Whoever made the promise keeps it; what was
left over by a crash, a caller that went away or a database that did, is found
and finished in the background.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.counters import SlotKey, slot_bits
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.modes import History, Mode
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.preferences.anonymized_counts import AnonymizedCounts
from hushpost_service.storage import anonymization as storage
from hushpost_service.storage import recording
from hushpost_service.storage.anonymization import ContactJob, Pair, PolicyJob
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.tracking.slots import SlotPool

__all__ = ["Anonymizer"]

_log = structlog.get_logger(__name__)

_EVENTS = 5000
"""Events of one transaction: a fraction of a second, so that nobody waits long."""

_CONTACTS = 500
_SWEEP_SECONDS = 10
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Anonymizer:
    """Keeps the promises that stand in `anonymization_jobs`, and those of retention."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        slots: SlotPool,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._slots = slots
        self._clock = clock
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._promised = asyncio.Event()

    async def of_contacts(self, tenant: int, contacts: Sequence[int] | None = None) -> None:
        """Keep the promises about the given contacts, or about all of a tenant."""
        async with self._database.connection("read anonymization_jobs") as connection:
            promises = await storage.contact_jobs(connection, tenant, contacts)
        await self._keep(tenant, promises)

    async def of_erased(self, tenant: int) -> None:
        """Keep the promises about contacts that have been erased."""
        async with self._database.connection("read anonymization_jobs") as connection:
            promises = await storage.erased_contact_jobs(connection, tenant)
        await self._keep(tenant, promises)

    async def _keep(self, tenant: int, promises: Sequence[ContactJob]) -> None:
        for history in History:
            same = [promise for promise in promises if promise.history is history]
            for start in range(0, len(same), _CONTACTS):
                part = same[start : start + _CONTACTS]
                await self._anonymize(tenant, [promise.contact for promise in part], history)
                await self._done(tenant, [promise.number for promise in part])

    def wake(self) -> None:
        """Look for promises now."""
        self._promised.set()

    async def forever(self) -> None:
        """Keep what is promised in the background, tenant by tenant, until cancelled."""
        while True:
            try:
                async with self._database.connection("read anonymization_jobs") as connection:
                    tenants = await storage.tenants_with_jobs(connection)
            except HushpostError as error:
                _log.warning("folding is put off", reason=error.reason)
                tenants = []
            for tenant in tenants:
                if tenant not in self._jobs:
                    self._jobs[tenant] = asyncio.create_task(self._of_tenant(tenant))
            self._promised.clear()
            await _event_or_after(self._promised, _SWEEP_SECONDS)

    async def close(self) -> None:
        """Stop the background jobs; what they have not finished stays promised."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def progress(self, tenant: int) -> PolicyJob | None:
        """Return how far a tenant's policy job has come, None where there is none."""
        async with self._database.connection("read anonymization_jobs") as connection:
            jobs = await storage.policy_jobs(connection, tenant)
        return jobs[0] if jobs else None

    async def expire(self, tenant: int, retention_days: int) -> int:
        """AnonymizedCounts what is older than the tenant keeps; return how many events.

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
            total += await self._anonymize_expired(tenant, pairs)

    async def _of_tenant(self, tenant: int) -> None:
        try:
            await self.of_contacts(tenant)
            async with self._database.connection("read anonymization_jobs") as connection:
                jobs = await storage.policy_jobs(connection, tenant)
            for job in jobs:
                await self._of_policy(tenant, job)
                await self._done(tenant, [job.number])
        except HushpostError as error:
            _log.warning("folding is interrupted", tenant=tenant, reason=error.reason)
        finally:
            del self._jobs[tenant]

    async def _of_policy(self, tenant: int, job: PolicyJob) -> None:
        async with self._database.connection("count anonymization_jobs") as connection:
            total = await storage.count_events(connection, tenant)
            await storage.set_total(connection, tenant, job.number, job.anonymized_events + total)
        after = 0
        while True:
            async with self._database.connection("read anonymization_jobs") as connection:
                contacts = await storage.contacts_with_events(connection, tenant, after, _CONTACTS)
            if not contacts:
                return
            await self._anonymize(tenant, contacts, job.history, job.number)
            after = contacts[-1]

    async def _anonymize(
        self, tenant: int, contacts: Sequence[int], history: History, job: int | None = None
    ) -> None:
        """AnonymizedCounts contacts' events on all messages that are not IDENTIFIED any more.

        By the rule that decides events: so whatever happened between promise and
        now, what is identified and what is folded never share a message.
        """
        by_mode: dict[Mode, list[Pair]] = {}
        for pair, mode in (await self._modes(tenant, contacts)).items():
            if mode > Mode.IDENTIFIED:
                by_mode.setdefault(_anonymized_mode(mode), []).append(pair)
        for mode, pairs in by_mode.items():
            if history is History.KEEP:
                await self._detach(tenant, pairs)
            else:
                await self._anonymize_pairs(tenant, pairs, mode, job)

    async def _modes(self, tenant: int, contacts: Sequence[int]) -> dict[Pair, Mode]:
        async with self._database.connection("read anonymization_jobs") as connection:
            received = await recording.receive(
                connection, tenant, [], contacts, _BEGINNING, self._clock()
            )
            rule = await self._campaigns.mode_rule(connection, tenant, received.policy_version)
            pairs = await storage.pairs(connection, tenant, contacts)
        preferences = {
            contact: preference
            for contacts, preference in received.preference_groups
            for contact in contacts
        }
        return {
            pair: rule.of_contact(preferences.get(pair[1]), created)
            for pair, created in pairs.items()
        }

    async def _anonymize_pairs(
        self, tenant: int, pairs: Sequence[Pair], mode: Mode, job: int | None
    ) -> None:
        """AnonymizedCounts the events of pairs, a part at a time."""

        async def work(connection: Connection) -> int:
            taken = await storage.take_events(connection, tenant, pairs, _EVENTS)
            await _apply(connection, tenant, AnonymizedCounts.of_events(taken, mode))
            count = sum(events for *_, events, _ in taken)
            if job is not None:
                await storage.add_progress(connection, tenant, job, count)
            return count

        while await self._transact("fold", tenant, work) == _EVENTS:
            pass

    async def _anonymize_expired(self, tenant: int, pairs: Sequence[Pair]) -> int:
        async def work(connection: Connection) -> int:
            taken = await storage.take_events(connection, tenant, pairs, None)
            moves = {
                slot: (await self._slots.take(tenant, slot[0], slot[1], 1))[0]
                for slot in {(campaign, group, slot) for campaign, group, slot, *_ in taken}
            }
            fold = AnonymizedCounts.of_events(
                taken,
                Mode.ANONYMOUS,
                lambda campaign, group, slot: moves[campaign, group, slot],
            )
            await _apply(connection, tenant, fold)
            return sum(events for *_, events, _ in taken)

        return await self._transact("fold expired", tenant, work)

    async def _detach(self, tenant: int, pairs: Sequence[Pair]) -> None:
        """Let events stay, on slots that no mail bears.

        Later events on the same mail are anonymous and mark the slot that the
        mail does bear: no row must tell whose that is.
        """
        for pair in pairs:
            async with self._database.connection("read slots") as connection:
                slots = await storage.slots_of_pair(connection, tenant, pair)
            for slot in slots:
                moved = (await self._slots.take(tenant, slot[0], slot[1], 1))[0]
                await self._move(tenant, pair[1], slot, moved)

    async def _move(
        self, tenant: int, contact: int, slot: tuple[int, int, int], moved: int
    ) -> None:
        campaign, group, number = slot

        async def work(connection: Connection) -> int:
            signals = await storage.slot_signals(connection, tenant, contact, slot)
            await storage.move_slot(connection, tenant, contact, slot, moved)
            places = {
                (campaign, group, signal, Verdict(verdict).is_machine)
                for signal, verdict in signals
            }
            await _apply(connection, tenant, AnonymizedCounts.of_moved_slot(places, number, moved))
            return len(signals)

        await self._transact("detach history", tenant, work)

    async def _transact(
        self, name: str, tenant: int, work: Callable[[Connection], Awaitable[int]]
    ) -> int:
        return await self._database.transact(name, work, storage.begin_anonymizing(tenant))

    async def _done(self, tenant: int, numbers: Sequence[int]) -> None:
        async with self._database.connection("end anonymization_jobs") as connection:
            await storage.delete_jobs(connection, tenant, numbers)


def _anonymized_mode(mode: Mode) -> Mode:
    """Return the mode in which the past counts for a message that is in `mode` now.

    Events that were recorded with consent stay in the totals, but one that may
    only be counted as part of a group is not told apart from the others.
    """
    return Mode.ANONYMOUS if mode is Mode.ANONYMOUS else Mode.AGGREGATE


async def _apply(connection: Connection, tenant: int, fold: AnonymizedCounts) -> None:
    # Locked in the recorder's order, so that the two cannot deadlock.
    if fold.cleared:
        await recording.seen_slots(connection, tenant, sorted(fold.cleared))
    await recording.clear_slots(connection, tenant, _bits(fold.cleared))
    await recording.write(connection, tenant, _bits(fold.marked), fold.counts, fold.first)
    await recording.drop_empty_counters(connection, tenant, fold.counts)


def _bits(slots: Mapping[SlotKey, Iterable[int]]) -> dict[SlotKey, bytes]:
    return {key: slot_bits(of_chunk) for key, of_chunk in slots.items()}


async def _event_or_after(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
