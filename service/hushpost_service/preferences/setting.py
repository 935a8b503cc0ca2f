"""Sets preferences, and anonymizes the events of contacts that opt out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.consent import UNKNOWN, ByPurpose, Consent
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import History, Mode, Policy
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_creation import create_and_lock_contacts
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.entries import (
    PreferenceEntry,
    SetOutcome,
    last_entries,
    positions,
)
from hushpost_service.preferences.recipient_decisions import (
    confirmations,
    consents_after,
    protected_purposes,
)
from hushpost_service.preferences.time_steps import TimeSteps
from hushpost_service.storage import anonymization as anonymization_jobs
from hushpost_service.storage import contacts as storage
from hushpost_service.storage import last_opens, preference_log, request_ids
from hushpost_service.storage.anonymization import ContactJob
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import Contact
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_clock import database_time
from hushpost_service.storage.preference_log import Change
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenant_locks import lock_recording

__all__ = ["PreferenceSetter"]


class _Decided(NamedTuple):
    """A contact whose consent an entry sets, if only to the same value.

    Attributes:
        contact: The contact, with its earlier preference.
        entry: The entry.
        purposes: The purposes that it sets.
        after: The consents from now on.
    """

    contact: Contact
    entry: PreferenceEntry
    purposes: ByPurpose[bool]
    after: ByPurpose[Consent]

    @property
    def before(self) -> ByPurpose[Consent]:
        """The consents until now."""
        return self.contact.preference.consents

    @property
    def is_change(self) -> bool:
        """Whether a consent changes."""
        return self.after != self.before

    def is_stricter(self, policy: Policy) -> bool:
        """Whether a mode becomes stricter."""
        modes = zip(policy.modes(self.before), policy.modes(self.after), strict=True)
        return any(after > before for before, after in modes)

    def declines(self, policy: Policy, *, again: bool) -> bool:
        """Whether it sets a consent whose mode is stricter than IDENTIFIED.

        `again` includes consents that had been set before.
        """
        purposes = zip(
            self.purposes, self.before, self.after, policy.modes(self.after), strict=True
        )
        return any(
            is_set and (before is not after or again) and mode > Mode.IDENTIFIED
            for is_set, before, after, mode in purposes
        )


class _Transaction(NamedTuple):
    """The result of the transaction that sets preferences.

    Attributes:
        outcome: What is reported to the caller, except for the protected entries.
        protected: The ids of contacts whose entry was skipped, see `SetOutcome.protected`.
        jobs: The anonymization jobs that must be run.
        takes_steps: Whether the time is rounded up to whole steps. Also if the request is
            repeated: the time would otherwise tell whether the first call is done.
        written: The contacts whose rows were written.
    """

    outcome: SetOutcome
    protected: set[str]
    jobs: list[ContactJob]
    takes_steps: bool
    written: list[int]


class PreferenceSetter:
    """Sets the preferences of a tenant's contacts."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        anonymizer: Anonymizer,
        contact_numbers: ContactNumbers,
        vacuum: ContactVacuum,
        time_steps: TimeSteps,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._anonymizer = anonymizer
        self._contact_numbers = contact_numbers
        self._vacuum = vacuum
        self._time_steps = time_steps
        self._clock = clock

    async def set_preferences(
        self,
        tenant: int,
        entries: Sequence[PreferenceEntry],
        *,
        history: History | None,
        actor: str,
        method: Method,
        request: UUID | None,
        overrule_recipients: bool = False,
    ) -> SetOutcome:
        """Set preferences, all or none, and anonymize the events of contacts that opt out.

        Returns once no row names behaviour for a purpose that its contact opted out of. Imports
        do not loosen the recipient's own decision.

        Args:
            tenant: The tenant of the contacts.
            entries: 1 to 10,000 entries. If there are several of one contact, the last counts.
            history: What happens to past events; None means what the policy sets.
            actor: The API key's id, for the change log.
            method: The RPC, under which the request id is claimed.
            request: The idempotency key.
            overrule_recipients: Whether imports may loosen recipients' own decisions.

        Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, FIELD_INVALID,
        REQUEST_ID_REUSED.
        """
        is_batch = method is Method.BATCH_SET_PREFERENCES
        latest = last_entries(entries, self._clock(), is_batch=is_batch)
        content = {
            "entries": [latest[contact_id].content() for contact_id in sorted(latest)],
            "history": history,
            "overrule_recipients": overrule_recipients,
        }

        async def work(connection: Connection) -> _Transaction:
            if not await request_ids.claim(
                connection, tenant, method, request, content, self._clock()
            ):
                # The first call may have crashed before it ran its anonymization jobs.
                found = await storage.contacts(connection, tenant, list(latest))
                numbers = [contact.number for contact in found.values()]
                protected = await protected_purposes(
                    connection, tenant, latest, found, overrule=overrule_recipients
                )
                jobs = await anonymization_jobs.contact_jobs(connection, tenant, numbers)
                return _Transaction(
                    SetOutcome(0, 0, 0, 0), set(protected), jobs, bool(numbers), written=[]
                )
            return await self._set(
                connection, tenant, latest, history, actor, overrule=overrule_recipients
            )

        async with self._vacuum.after_write(tenant) as written:
            result = await self._database.transact("set preferences", work)
            written.extend(result.written)
        if result.takes_steps:
            async with self._time_steps.whole():
                await self._anonymizer.run_jobs(tenant, result.jobs)
        return replace(result.outcome, protected=positions(entries, result.protected))

    async def preview(
        self, tenant: int, entries: Sequence[PreferenceEntry], *, overrule_recipients: bool
    ) -> SetOutcome:
        """Return what `set_preferences` would do now, and change nothing.

        Raises the same errors.
        """
        latest = last_entries(entries, self._clock(), is_batch=True)
        async with self._database.connection("preview preferences") as connection:
            found = await storage.contacts(connection, tenant, list(latest))
            protected = await protected_purposes(
                connection, tenant, latest, found, overrule=overrule_recipients
            )
        changes = []
        for name, entry in latest.items():
            before = found[name].preference.consents if name in found else UNKNOWN
            after = consents_after(entry, before, protected.get(name))
            if after != before:
                changes.append((before, after))
        outcome = SetOutcome.of(len(latest) - len(found), changes)
        return replace(outcome, protected=positions(entries, set(protected)))

    async def _set(
        self,
        connection: Connection,
        tenant: int,
        entries: dict[str, PreferenceEntry],
        history: History | None,
        actor: str,
        *,
        overrule: bool,
    ) -> _Transaction:
        """Set preferences by contact id, log the changes, and store anonymization jobs."""
        created, contacts = await create_and_lock_contacts(
            connection, tenant, entries, self._contact_numbers
        )
        # Take the time after the row locks, so that successive changes of a contact have
        # ascending times.
        rule = await self._campaigns.mode_rule(connection, tenant)
        now = await database_time(connection)
        # While a policy job is unfinished, there may be rows of contacts whose preference
        # was already strict.
        has_policy_job = bool(await anonymization_jobs.policy_jobs(connection, tenant))
        # Jobs of earlier calls may be unfinished: run them too before returning.
        numbers = [contact.number for contact in contacts.values()]
        pending = await anonymization_jobs.contact_jobs(connection, tenant, numbers)
        protected = await protected_purposes(
            connection, tenant, entries, contacts, overrule=overrule
        )
        confirmed = await confirmations(connection, tenant, entries, contacts)
        decided = _decided(entries, contacts, protected)
        changes = [decision for decision in decided if decision.is_change]
        again = has_policy_job or history is History.ANONYMIZE
        to_anonymize = [
            decision.contact.number
            for decision in decided
            if decision.contact.contact_id not in created
            and decision.declines(rule.policy, again=again)
        ]
        await _update(connection, tenant, rule, changes, now)
        log = changes + [each for each in decided if each.contact.contact_id in confirmed]
        await _write_log(connection, tenant, log, actor, now)
        jobs = pending + await anonymization_jobs.insert_contact_jobs(
            connection, tenant, to_anonymize, history or rule.policy.history_when_true, now
        )
        with_last_open = [
            change.contact.number
            for change in changes
            if rule.policy.record_last_opens and change.before.opens is not change.after.opens
        ]
        if with_last_open or any(change.is_stricter(rule.policy) for change in changes):
            await lock_recording(connection, self._database.kind, tenant)
        if with_last_open:
            await last_opens.delete_last_opens(connection, tenant, with_last_open)
        written = [contacts[contact_id].number for contact_id in created]
        written += [change.contact.number for change in changes]
        outcome = SetOutcome.of(len(created), [(change.before, change.after) for change in changes])
        return _Transaction(outcome, set(protected), jobs, bool(jobs), written)


def _decided(
    entries: Mapping[str, PreferenceEntry],
    contacts: Mapping[str, Contact],
    protected: Mapping[str, ByPurpose[bool]],
) -> list[_Decided]:
    decided = []
    for contact_id, contact in contacts.items():
        entry, kept = entries[contact_id], protected.get(contact_id)
        purposes = entry.decided
        if kept is not None:
            purposes = ByPurpose(
                *(is_set and not keep for is_set, keep in zip(purposes, kept, strict=True))
            )
        if any(purposes):
            after = consents_after(entry, contact.preference.consents, kept)
            decided.append(_Decided(contact, entry, purposes, after))
    return decided


async def _update(
    connection: Connection, tenant: int, rule: ModeRule, changes: Sequence[_Decided], now: datetime
) -> None:
    """Store the preferences after changes."""
    if changes:
        preferences = [
            (change.contact.number, rule.changed(change.contact.preference, change.after, now))
            for change in changes
        ]
        await storage.update_preferences(connection, tenant, preferences)


async def _write_log(
    connection: Connection, tenant: int, decided: Sequence[_Decided], actor: str, now: datetime
) -> None:
    """Write the log of changes."""
    if decided:
        changes = [
            Change(
                decision.contact.contact_id,
                decision.before,
                decision.after,
                decision.purposes,
                decision.entry.source,
                decision.entry.evidence,
                decision.entry.details,
            )
            for decision in decided
        ]
        await preference_log.insert_changes(connection, tenant, changes, actor, now)
