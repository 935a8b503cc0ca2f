"""Sets and reads preferences, lists their changes, and erases contacts."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import (
    ContactPreference,
    DoNotTrack,
    History,
    Mode,
    ModeRule,
)
from hushpost_service.domain.validation import checked_contact_id
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.preferences.entries import (
    PreferenceEntry,
    SetOutcome,
    last_entries,
    positions,
)
from hushpost_service.preferences.recipient_decisions import confirmations, protected_contacts
from hushpost_service.preferences.time_steps import TimeSteps
from hushpost_service.storage import anonymization as anonymization_jobs
from hushpost_service.storage import contacts as storage
from hushpost_service.storage import recording, request_ids
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import ChangeEntry, Contact
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_clock import database_time
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.codec import TokenCodec

__all__ = [
    "EffectivePreference",
    "Preferences",
    "Proof",
    "create_and_lock_contacts",
]

_UNSET = ContactPreference(DoNotTrack.UNSET)


class Proof(IntEnum):
    """What happens to the change log of an erased contact. Values as in `hushpost.v1.Proof`.

    PSEUDONYMIZE replaces the contact id in the log by a salted digest; the salt is discarded.
    """

    DELETE = 1
    PSEUDONYMIZE = 2


@dataclass(frozen=True, slots=True)
class EffectivePreference:
    """A preference, and the mode that it has in campaigns created now.

    Attributes:
        do_not_track: The contact's preference.
        mode: What the tenant's current policy makes of it.
        since: When the preference was last changed; None if never.
    """

    do_not_track: DoNotTrack
    mode: Mode
    since: datetime | None


class _Change(NamedTuple):
    contact: Contact
    entry: PreferenceEntry
    preference: ContactPreference

    @property
    def is_looser(self) -> bool:
        """Whether the preference becomes less strict."""
        return self.preference.do_not_track.is_looser_than(self.contact.preference.do_not_track)


class _Transaction(NamedTuple):
    """The result of the transaction that sets preferences.

    Attributes:
        outcome: What is reported to the caller, except for the protected entries.
        protected: The ids of contacts whose entry was skipped, see `SetOutcome.protected`.
        to_anonymize: The contacts whose anonymization jobs must be run.
        written: The contacts whose rows were written.
    """

    outcome: SetOutcome
    protected: set[str]
    to_anonymize: list[int]
    written: list[int]


class Preferences:
    """Sets, reads and erases the preferences of a tenant's contacts."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        anonymizer: Anonymizer,
        contact_numbers: ContactNumbers,
        vacuum: ContactVacuum,
        time_steps: TimeSteps,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
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

        Returns once no row names the behaviour of a contact that opted out. Imports that
        would loosen the recipient's own decision are skipped.

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
        latest = last_entries(entries)
        content = {
            "entries": sorted(latest.values()),
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
                protected = await protected_contacts(
                    connection, tenant, latest, found, overrule=overrule_recipients
                )
                return _Transaction(SetOutcome(0, 0, 0), protected, numbers, written=[])
            return await self._set(
                connection, tenant, latest, history, actor, overrule=overrule_recipients
            )

        async with self._vacuum.after_write(tenant) as written:
            result = await self._database.transact("set preferences", work)
            written.extend(result.written)
        if result.to_anonymize:
            async with self._time_steps.whole():
                await self._anonymizer.run_contact_jobs(tenant, result.to_anonymize)
        return replace(result.outcome, protected=positions(entries, result.protected))

    async def preview(
        self, tenant: int, entries: Sequence[PreferenceEntry], *, overrule_recipients: bool
    ) -> SetOutcome:
        """Return what `set_preferences` would do now, and change nothing.

        Raises the same errors.
        """
        latest = last_entries(entries)
        async with self._database.connection("preview preferences") as connection:
            found = await storage.contacts(connection, tenant, list(latest))
            protected = await protected_contacts(
                connection, tenant, latest, found, overrule=overrule_recipients
            )
        changes = [
            (entry.do_not_track, old)
            for contact_id, entry in latest.items()
            if entry.do_not_track is not None and contact_id not in protected
            for old in (found[contact_id].preference if contact_id in found else _UNSET,)
        ]
        return SetOutcome(
            len(latest) - len(found),
            sum(new.is_looser_than(old.do_not_track) for new, old in changes),
            sum(old.do_not_track.is_looser_than(new) for new, old in changes),
            positions(entries, protected),
        )

    async def get(self, tenant: int, contact_id: str) -> EffectivePreference:
        """Return a contact's preference, UNSET if the contact does not exist.

        Raises CONTACT_ID_INVALID.
        """
        checked_contact_id(contact_id)
        async with self._database.connection("get preference") as connection:
            found = await storage.contacts(connection, tenant, [contact_id])
            rule = await self._campaigns.mode_rule(connection, tenant)
        preference = found[contact_id].preference if contact_id in found else _UNSET
        mode = rule.policy.mode(preference.do_not_track)
        return EffectivePreference(preference.do_not_track, mode, preference.since)

    async def contact_of_token(self, token: str, tenant: int | None) -> tuple[int, str]:
        """Return (tenant, contact id) of a preference token.

        Raises TOKEN_INVALID, also if the token belongs to a tenant other than the given one,
        or to an erased contact.
        """
        opened = self._codec.open_preference(token)
        contact_id = None
        if tenant in (None, opened.tenant):
            async with self._database.connection("contact of token") as connection:
                contact_id = await storage.contact_id(connection, opened.tenant, opened.contact)
        if contact_id is None:
            # The same message as for a damaged token: the response must not tell them apart.
            raise HushpostError(Reason.TOKEN_INVALID, "the token is invalid")
        return opened.tenant, contact_id

    async def list_changes(
        self, tenant: int, contact_id: str | None, after: int, limit: int
    ) -> list[ChangeEntry]:
        """Return a page of the change log, oldest first, of one contact or of all.

        Raises CONTACT_ID_INVALID.
        """
        if contact_id is not None:
            checked_contact_id(contact_id)
        async with self._database.connection("list preference changes") as connection:
            return await storage.list_changes(connection, tenant, contact_id, after, limit)

    async def erase_contact(
        self, tenant: int, contact_id: str, proof: Proof, request: UUID | None
    ) -> None:
        """Delete a contact; return once its events are anonymized.

        Raises CONTACT_ID_INVALID, REQUEST_ID_REUSED.
        """
        checked_contact_id(contact_id)
        content = {"contact_id": contact_id, "proof": proof}

        async def work(connection: Connection) -> int | None:
            if not await request_ids.claim(
                connection, tenant, Method.ERASE_CONTACT, request, content, self._clock()
            ):
                return None
            if proof is Proof.PSEUDONYMIZE:
                salted = secrets.token_bytes(32) + contact_id.encode()
                pseudonym = f"erased:{hashlib.sha256(salted).hexdigest()}"
                await storage.pseudonymize_changes(connection, tenant, contact_id, pseudonym)
            else:
                await storage.delete_changes(connection, tenant, contact_id)
            number = await storage.delete_contact(connection, tenant, contact_id)
            if number is not None:
                now = await database_time(connection)
                await anonymization_jobs.insert_contact_jobs(
                    connection, tenant, [number], History.ANONYMIZE, now
                )
                await recording.lock_recording(connection, tenant)
            return number

        async with self._vacuum.after_write(tenant) as written:
            number = await self._database.transact("erase contact", work)
            if number is not None:
                written.append(number)
        async with self._time_steps.whole():
            if number is None:
                # An earlier call may have failed between its commit and running the job. The
                # contact is gone, so its job cannot be found by the contact id.
                await self._anonymizer.run_jobs_of_erased_contacts(tenant)
            else:
                await self._anonymizer.run_contact_jobs(tenant, [number])

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
        protected = await protected_contacts(
            connection, tenant, entries, contacts, overrule=overrule
        )
        confirmed = await confirmations(connection, tenant, entries, contacts)
        changes = []
        to_anonymize = []
        for contact_id, contact in contacts.items():
            entry = entries[contact_id]
            old, new = contact.preference.do_not_track, entry.do_not_track
            if new is None or contact_id in protected:
                continue
            if new is not old:
                changes.append(_Change(contact, entry, rule.changed(contact.preference, new, now)))
            may_have_rows = contact_id not in created and (
                new is not old or has_policy_job or history is History.ANONYMIZE
            )
            if may_have_rows and rule.policy.mode(new) > Mode.IDENTIFIED:
                to_anonymize.append(contact.number)
        if changes:
            await storage.update_preferences(
                connection,
                tenant,
                [(change.contact.number, change.preference) for change in changes],
            )
        log = [(change.contact, change.entry) for change in changes]
        log += [(contact, entries[contact.contact_id]) for contact in confirmed]
        if log:
            await _write_log(connection, tenant, log, actor, now)
        await anonymization_jobs.insert_contact_jobs(
            connection, tenant, to_anonymize, history or rule.policy.history_when_true, now
        )
        if any(_is_stricter(rule, change) for change in changes):
            await recording.lock_recording(connection, tenant)
        to_anonymize += [job.contact for job in pending]
        written = [contacts[contact_id].number for contact_id in created]
        written += [change.contact.number for change in changes]
        loosened = sum(change.is_looser for change in changes)
        outcome = SetOutcome(len(created), loosened, len(changes) - loosened)
        return _Transaction(outcome, protected, to_anonymize, written)


async def create_and_lock_contacts(
    connection: Connection, tenant: int, contact_ids: Collection[str], numbers: ContactNumbers
) -> tuple[set[str], dict[str, Contact]]:
    """Create missing contacts and lock all; return the ids of those created, and all by id."""
    created: set[str] = set()
    locked: dict[str, Contact] = {}
    # Repeat for contacts that another call erases between the two statements, and for those
    # whose new number is taken.
    while missing := [contact_id for contact_id in contact_ids if contact_id not in locked]:
        new = await storage.insert_missing_contacts(connection, tenant, missing, numbers)
        created.update(new)
        found = await storage.lock_contacts(connection, tenant, missing)
        locked |= found
        if len(found) < len(missing):
            numbers.change_range()
    return created, locked


def _is_stricter(rule: ModeRule, change: _Change) -> bool:
    before = rule.policy.mode(change.contact.preference.do_not_track)
    return rule.policy.mode(change.preference.do_not_track) > before


async def _write_log(
    connection: Connection,
    tenant: int,
    log: Sequence[tuple[Contact, PreferenceEntry]],
    actor: str,
    now: datetime,
) -> None:
    """Write the change log. The contacts have their earlier preference."""
    changes = [
        ChangeEntry(
            contact.contact_id,
            contact.preference.do_not_track,
            entry.do_not_track or contact.preference.do_not_track,
            entry.source,
            entry.evidence,
            actor,
        )
        for contact, entry in log
    ]
    await storage.insert_changes(connection, tenant, changes, now)
