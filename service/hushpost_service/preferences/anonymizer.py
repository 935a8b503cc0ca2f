"""Anonymizes identified events after an opt-out, an erasure or a stricter policy.

Anonymization jobs are stored in the same transaction as the opt-out, erasure or policy
change that requires them. Calls that store jobs for contacts run these jobs before they
return. A background loop runs the jobs of policies, and finishes jobs left over by a
crash, a cancelled call or a lost database connection. A job can safely run twice: it
works on the identified events that exist when it runs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.events import ALL_SIGNALS, SignalRange
from hushpost_service.domain.modes import History, Modes
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.preferences.anonymization_parts import Change, Part, changes_to, parts_of
from hushpost_service.preferences.anonymized_counts import AnonymizedCounts
from hushpost_service.storage import anonymization as storage
from hushpost_service.storage import recording
from hushpost_service.storage.anonymization import (
    CampaignContact,
    ContactJob,
    EventPlace,
    PolicyJob,
)
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.issuing import add_moved_slot
from hushpost_service.storage.stats import engaged_blocks
from hushpost_service.storage.tenant_locks import begin_anonymizing
from hushpost_service.tokens.slot_permutation import MAX_SLOTS

__all__ = ["Anonymizer"]

_log = structlog.get_logger(__name__)

_EVENTS_PER_READ = 10_000
"""Takes seconds even if each event is read from a disk."""

_CONTACTS_PER_BATCH = 500
_BLOCKS_PER_READ = 4
"""Up to 4,096 contacts are read at once, with all their events in a campaign."""

_POLL_SECONDS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class Anonymizer:
    """Runs anonymization jobs, and deletes events older than the retention period."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._clock = clock
        self._tenant_tasks: dict[int, asyncio.Task[None]] = {}
        self._poll_requested = asyncio.Event()

    async def run_contact_jobs(self, tenant: int, contacts: Sequence[int] | None = None) -> None:
        """Run the stored jobs of some contacts, by default of all contacts of the tenant."""
        async with self._database.connection("read anonymization jobs") as connection:
            jobs = await storage.contact_jobs(connection, tenant, contacts)
        await self.run_jobs(tenant, jobs)

    async def run_jobs_of_erased_contacts(self, tenant: int) -> None:
        """Run the stored jobs of contacts that have been erased."""
        async with self._database.connection("read anonymization jobs") as connection:
            jobs = await storage.erased_contact_jobs(connection, tenant)
        await self.run_jobs(tenant, jobs)

    async def run_jobs(self, tenant: int, jobs: Sequence[ContactJob]) -> None:
        """Run stored jobs of contacts, and delete them."""
        for history in History:
            matching = [job for job in jobs if job.history is history]
            for start in range(0, len(matching), _CONTACTS_PER_BATCH):
                batch = matching[start : start + _CONTACTS_PER_BATCH]
                contacts = [job.contact for job in batch]
                await self._anonymize(
                    tenant, contacts, history, finished=[job.number for job in batch]
                )

    def poll_now(self) -> None:
        """Make the background loop look for jobs now; call after storing a policy job."""
        self._poll_requested.set()

    async def run_forever(self) -> None:
        """Run stored jobs in the background, one task per tenant, until cancelled."""
        while True:
            try:
                async with self._database.connection("read anonymization jobs") as connection:
                    tenants = await storage.tenants_with_jobs(connection)
            except HushpostError as error:
                _log.warning("reading anonymization jobs failed; will retry", reason=error.reason)
                tenants = []
            for tenant in tenants:
                if tenant not in self._tenant_tasks:
                    task = asyncio.create_task(self._run_tenant_jobs(tenant))
                    self._tenant_tasks[tenant] = task
            self._poll_requested.clear()
            await wait_for_event(self._poll_requested, _POLL_SECONDS)

    async def close(self) -> None:
        """Stop the background tasks; their jobs stay stored and run after the next start."""
        tasks = list(self._tenant_tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def progress(self, tenant: int) -> PolicyJob | None:
        """Return the progress of a tenant's policy job, None if there is no such job."""
        async with self._database.connection("read anonymization jobs") as connection:
            jobs = await storage.policy_jobs(connection, tenant)
        return jobs[0] if jobs else None

    async def delete_expired_events(self, tenant: int, retention_days: int) -> int:
        """Delete events older than the retention period; return their number.

        Deletes all events of a contact and campaign together. The identified counts keep
        them: they were published exactly, and name no contact without the rows.
        """
        before = self._clock() - timedelta(days=retention_days)
        total = 0
        place: EventPlace | None = storage.first_place(tenant)
        limit = _EVENTS_PER_READ
        while place is not None:
            async with self._database.connection("read expired events") as connection:
                found = await storage.expired_events(connection, tenant, before, place, limit)
            for start in range(0, len(found.pairs), _CONTACTS_PER_BATCH):
                batch = found.pairs[start : start + _CONTACTS_PER_BATCH]
                total += await self._delete_expired_pairs(tenant, batch)
            # A place may have more events than were read.
            limit = 2 * limit if found.next == place else _EVENTS_PER_READ
            place = found.next
        return total

    async def _run_tenant_jobs(self, tenant: int) -> None:
        try:
            await self.run_contact_jobs(tenant)
            async with self._database.connection("read anonymization jobs") as connection:
                jobs = await storage.policy_jobs(connection, tenant)
            for job in jobs:
                await self._run_policy_job(tenant, job)
                await self._delete_jobs(tenant, [job.number])
        except HushpostError as error:
            _log.warning("anonymization failed; will retry", tenant=tenant, reason=error.reason)
        finally:
            del self._tenant_tasks[tenant]

    async def _run_policy_job(self, tenant: int, job: PolicyJob) -> None:
        async with self._database.connection("count events to anonymize") as connection:
            campaigns = await storage.identified_campaigns(connection, tenant)
            total = job.anonymized_events + sum(campaigns.values())
            await storage.set_total_events(connection, tenant, job.number, total)
        for campaign in campaigns:
            async for contacts in self._unconsented_contacts(tenant, campaign):
                await self._anonymize(tenant, contacts, job.history, policy_job=job.number)

    async def _unconsented_contacts(
        self, tenant: int, campaign: int
    ) -> AsyncIterator[Sequence[int]]:
        """Yield batches of the contacts of a campaign whose events a policy job concerns."""
        after = -1
        while True:
            async with self._database.connection("read contacts with events") as connection:
                blocks = await engaged_blocks(
                    connection, tenant, campaign, ALL_SIGNALS, after, _BLOCKS_PER_READ
                )
                contacts = await storage.unconsented_contacts(connection, tenant, campaign, blocks)
            if not blocks:
                return
            for start in range(0, len(contacts), _CONTACTS_PER_BATCH):
                yield contacts[start : start + _CONTACTS_PER_BATCH]
            after = blocks[-1]

    async def _delete_jobs(self, tenant: int, numbers: Sequence[int]) -> None:
        async with self._database.connection("delete anonymization jobs") as connection:
            await storage.delete_jobs(connection, tenant, numbers)

    async def _anonymize(
        self,
        tenant: int,
        contacts: Sequence[int],
        history: History,
        *,
        policy_job: int | None = None,
        finished: Sequence[int] = (),
    ) -> None:
        """Anonymize the contacts' events in campaigns where they are no longer IDENTIFIED.

        Events of a purpose that is still IDENTIFIED stay. The modes are computed now, by
        the same rule as for new events, and not taken from the job: the preference or policy
        may have changed again, and a message must never have both identified and anonymized
        events of a purpose.

        Args:
            tenant: The tenant.
            contacts: The contacts.
            history: What happens to the events.
            policy_job: The job whose progress is stored.
            finished: The jobs to delete once that is done.
        """
        events_by_change: dict[Change, dict[CampaignContact, int]] = {}
        for pair, (modes, events) in (await self._current_modes(tenant, contacts)).items():
            for change in changes_to(modes):
                events_by_change.setdefault(change, {})[pair] = events
        parts: list[Part] = []
        for change, events_by_pair in events_by_change.items():
            if history is History.KEEP:
                await self._move_to_unused_slots(tenant, list(events_by_pair), change.signals)
            else:
                parts += parts_of(change, events_by_pair)
        for number, part in enumerate(parts, 1):
            # The last transaction deletes the jobs, which saves a commit.
            of_part = finished if number == len(parts) else ()
            await self._anonymize_part(tenant, part, policy_job, of_part)
        if finished and not parts:
            await self._delete_jobs(tenant, finished)

    async def _current_modes(
        self, tenant: int, contacts: Sequence[int]
    ) -> dict[CampaignContact, tuple[Modes, int]]:
        """Return the modes of contacts' messages now, and the number of their events."""
        async with self._database.connection("read modes of contacts") as connection:
            inputs = await recording.load_recording_inputs(
                connection, tenant, [], contacts, _EPOCH, self._clock(), self._database.kind
            )
            rule = await self._campaigns.mode_rule(connection, tenant, inputs.policy_start)
            pairs = await storage.campaigns_with_events(connection, tenant, contacts)
        preferences = {
            contact: group.preference
            for group in inputs.preference_groups
            for contact in group.contacts
        }
        return {
            (campaign, contact): (rule.at_event(preferences.get(contact), create_time), events)
            for (campaign, contact), (create_time, events) in pairs.items()
        }

    async def _anonymize_part(
        self, tenant: int, part: Part, policy_job: int | None, finished: Sequence[int]
    ) -> None:
        """Anonymize events in a transaction, or in several if they are too many."""
        change, pairs, limit = part

        async def work(connection: Connection) -> bool:
            deleted = await storage.delete_events(connection, tenant, pairs, change.signals, limit)
            await _write(connection, tenant, AnonymizedCounts.of_events(deleted, change.mode))
            count = sum(events for *_, events, _ in deleted)
            if policy_job is not None:
                await storage.add_progress(connection, tenant, policy_job, count)
            if count == limit:
                return False
            if finished:
                await storage.delete_jobs(connection, tenant, finished)
            return True

        while not await self._transact("anonymize", tenant, work):
            pass

    async def _delete_expired_pairs(self, tenant: int, pairs: Sequence[CampaignContact]) -> int:
        async def work(connection: Connection) -> int:
            deleted = await storage.delete_events(connection, tenant, pairs)
            return sum(events for *_, events, _ in deleted)

        return await self._transact("delete expired", tenant, work)

    async def _move_to_unused_slots(
        self, tenant: int, pairs: Sequence[CampaignContact], signals: SignalRange
    ) -> None:
        """Keep identified events, but give them slots that no message has (`history: KEEP`).

        Later events of the same messages are anonymous and mark the messages' own slots.
        No row may name such a slot, or it would reveal whose it is.
        """
        for pair in pairs:
            async with self._database.connection("read slots of contact") as connection:
                slots = await storage.contact_slots(connection, tenant, pair, signals)
            for slot in slots:
                await self._move_slot(tenant, pair[1], slot, signals)

    async def _move_slot(
        self, tenant: int, contact: int, slot: tuple[int, int, int], moved: SignalRange
    ) -> None:
        campaign, group, number = slot

        async def work(connection: Connection) -> int:
            new_slot = await _unused_slot(connection, tenant, campaign, group)
            signals = await storage.slot_signals(connection, tenant, contact, slot, moved)
            await storage.move_slot(connection, tenant, contact, slot, moved, new_slot)
            places = {
                (campaign, group, signal, Verdict(verdict).is_machine)
                for signal, verdict in signals
            }
            changes = AnonymizedCounts.of_moved_slot(places, number, new_slot)
            await _write(connection, tenant, changes)
            return len(signals)

        await self._transact("move slot", tenant, work)

    async def _transact(
        self, name: str, tenant: int, work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        begin = begin_anonymizing(self._database.kind, tenant)
        return await self._database.transact(name, work, begin)


async def _unused_slot(connection: Connection, tenant: int, campaign: int, group: int) -> int:
    """Return a slot that no message has and no other event was moved to."""
    return MAX_SLOTS + await add_moved_slot(connection, tenant, campaign, group) - 1


async def _write(connection: Connection, tenant: int, changes: AnonymizedCounts) -> None:
    # First what no recording transaction waits for. Then bitmaps before counters, as the recorder
    # does, to avoid deadlocks.
    await recording.mark_slots(connection, tenant, changes.marked)
    await recording.clear_slots(connection, tenant, changes.cleared)
    await recording.add_counts(connection, tenant, changes.counts, changes.first)
