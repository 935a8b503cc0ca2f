"""Commands about preferences: set, look up, prove, forget."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import (
    ContactPreference,
    DoNotTrack,
    History,
    Mode,
    ModeRule,
)
from hushpost_service.domain.validation import checked_batch, checked_contact_id, checked_text
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.preferences.contact_vacuum import ContactVacuum
from hushpost_service.storage import anonymization as anonymization_jobs
from hushpost_service.storage import contacts as storage
from hushpost_service.storage import receipts, recording
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import ChangeEntry, Contact, Source
from hushpost_service.storage.database import Database
from hushpost_service.storage.receipts import Method
from hushpost_service.tokens.codec import TokenCodec

__all__ = ["EffectivePreference", "Entry", "Preferences", "Proof", "SetOutcome"]

_UNSET = ContactPreference(DoNotTrack.UNSET)


class Proof(IntEnum):
    """What becomes of an erased contact's change log. Values as in `hushpost.v1.Proof`.

    PSEUDONYMIZE keeps it under a digest whose salt is thrown away.
    """

    DELETE = 1
    PSEUDONYMIZE = 2


class Entry(NamedTuple):
    """A preference to set. `do_not_track` None: make the contact known, no more."""

    contact_id: str
    do_not_track: DoNotTrack | None
    source: Source
    evidence: str


@dataclass(frozen=True, slots=True)
class EffectivePreference:
    """A preference, and the mode of campaigns that are created now."""

    do_not_track: DoNotTrack
    mode: Mode
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """How many contacts were made known, and how many preferences changed."""

    created: int
    changed: int


class _Change(NamedTuple):
    contact: Contact
    entry: Entry
    preference: ContactPreference


class Preferences:
    """What keeps recipients' choices."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        codec: TokenCodec,
        anonymizer: Anonymizer,
        vacuum: ContactVacuum,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._codec = codec
        self._anonymizer = anonymizer
        self._vacuum = vacuum
        self._clock = clock

    async def set_many(
        self,
        tenant: int,
        entries: Sequence[Entry],
        history: History | None,
        actor: str,
        method: Method,
        request: UUID | None,
    ) -> SetOutcome:
        """Set preferences, all or none; of a contact's entries the last counts.

        Returns once nothing names the behaviour of those who opted out. Raises
        BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, FIELD_INVALID.
        """
        checked_batch(entries, "entries")
        for index, entry in enumerate(entries):
            checked_contact_id(entry.contact_id, index)
            checked_text(entry.evidence, "evidence", 1024)
        wanted = {entry.contact_id: entry for entry in entries}

        async def work(connection: Connection) -> tuple[SetOutcome, list[int], list[int]]:
            if not await receipts.file_receipt(connection, tenant, method, request, self._clock()):
                known = await storage.contacts(connection, tenant, list(wanted))
                return SetOutcome(0, 0), [contact.number for contact in known.values()], []
            return await self._set(connection, tenant, wanted, history, actor)

        async with self._vacuum.after_commit(tenant) as written:
            outcome, promised, numbers = await self._database.transact("set preferences", work)
            written.extend(numbers)
        if promised:
            await self._anonymizer.of_contacts(tenant, promised)
        return outcome

    async def get(self, tenant: int, contact_id: str) -> EffectivePreference:
        """Return a contact's preference; one never heard of is UNSET."""
        checked_contact_id(contact_id)
        async with self._database.connection("get preference") as connection:
            found = await storage.contacts(connection, tenant, [contact_id])
            rule = await self._campaigns.mode_rule(connection, tenant)
        preference = found[contact_id].preference if contact_id in found else _UNSET
        mode = rule.policy.mode(preference.do_not_track)
        return EffectivePreference(preference.do_not_track, mode, preference.since)

    async def by_token(self, token: str, tenant: int | None) -> tuple[int, str]:
        """Return (tenant, contact id) of a preference token.

        Raises TOKEN_INVALID, also where it is not of the given tenant, or of a
        contact that was erased.
        """
        opened = self._codec.open_preference(token)
        contact_id = None
        if tenant in (None, opened.tenant):
            async with self._database.connection("contact of token") as connection:
                contact_id = await storage.contact_id(connection, opened.tenant, opened.contact)
        if contact_id is None:
            raise HushpostError(Reason.TOKEN_INVALID, "the token is invalid")
        return opened.tenant, contact_id

    async def changes(
        self, tenant: int, contact_id: str | None, after: int, limit: int
    ) -> list[ChangeEntry]:
        """Return a part of the change log, oldest first."""
        if contact_id is not None:
            checked_contact_id(contact_id)
        async with self._database.connection("list preference changes") as connection:
            return await storage.list_changes(connection, tenant, contact_id, after, limit)

    async def erase(self, tenant: int, contact_id: str, proof: Proof, request: UUID | None) -> None:
        """Forget a contact; return once its events are folded."""
        checked_contact_id(contact_id)

        async def work(connection: Connection) -> int | None:
            if not await receipts.file_receipt(
                connection, tenant, Method.ERASE_CONTACT, request, self._clock()
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
                now = await storage.now(connection)
                await anonymization_jobs.insert_contact_jobs(
                    connection, tenant, [number], History.ANONYMIZE, now
                )
                await recording.lock_recording(connection, tenant)
            return number

        async with self._vacuum.after_commit(tenant) as written:
            number = await self._database.transact("erase contact", work)
            if number is not None:
                written.append(number)
        if number is None:
            # A first try may have broken off after its commit, and the contact's
            # number is not to be found by its id any more.
            await self._anonymizer.of_erased(tenant)
        else:
            await self._anonymizer.of_contacts(tenant, [number])

    async def _set(
        self,
        connection: Connection,
        tenant: int,
        wanted: dict[str, Entry],
        history: History | None,
        actor: str,
    ) -> tuple[SetOutcome, list[int], list[int]]:
        """Return the outcome, the contacts that promises were made about, those written."""
        created, found = await _known(connection, tenant, wanted)
        # Read after the locks: of two changes of a contact the later has the
        # later time.
        rule = await self._campaigns.mode_rule(connection, tenant)
        now = await storage.now(connection)
        # Where a policy's job is not done, rows may name those who opted out long ago.
        is_unfinished = bool(await anonymization_jobs.policy_jobs(connection, tenant))
        # And an earlier call's promise may still be under way: wait for it, too.
        numbers = [contact.number for contact in found.values()]
        pending = await anonymization_jobs.contact_jobs(connection, tenant, numbers)
        changes = []
        promised = []
        for name, contact in found.items():
            entry = wanted[name]
            old, new = contact.preference.do_not_track, entry.do_not_track
            if new is None:
                continue
            if new is not old:
                changes.append(_Change(contact, entry, rule.changed(contact.preference, new, now)))
            may_have_rows = new is not old or is_unfinished or history is History.ANONYMIZE
            if rule.policy.mode(new) > Mode.IDENTIFIED and may_have_rows and name not in created:
                promised.append(contact.number)
        if changes:
            await _write(connection, tenant, changes, actor, now)
        await anonymization_jobs.insert_contact_jobs(
            connection, tenant, promised, history or rule.policy.history_when_true, now
        )
        if any(_tightens(rule, change) for change in changes):
            await recording.lock_recording(connection, tenant)
        promised += [promise.contact for promise in pending]
        written = [found[name].number for name in created]
        written += [change.contact.number for change in changes]
        return SetOutcome(len(created), len(changes)), promised, written


async def _known(
    connection: Connection, tenant: int, names: Collection[str]
) -> tuple[set[str], dict[str, Contact]]:
    """Make contacts known and lock them; return who was not known, and all of them."""
    created: set[str] = set()
    found: dict[str, Contact] = {}
    # Again for whoever is erased between the two: the choice is of who is there then.
    while missing := [name for name in names if name not in found]:
        created.update(await storage.insert_contacts(connection, tenant, missing))
        found |= await storage.lock_contacts(connection, tenant, missing)
    return created, found


def _tightens(rule: ModeRule, change: _Change) -> bool:
    before = rule.policy.mode(change.contact.preference.do_not_track)
    return rule.policy.mode(change.preference.do_not_track) > before


async def _write(
    connection: Connection,
    tenant: int,
    changes: Sequence[_Change],
    actor: str,
    now: datetime,
) -> None:
    """Set the preferences and write the log."""
    await storage.update_preferences(
        connection,
        tenant,
        [(change.contact.number, change.preference) for change in changes],
    )
    log = [
        ChangeEntry(
            change.contact.contact_id,
            change.contact.preference.do_not_track,
            change.preference.do_not_track,
            change.entry.source,
            change.entry.evidence,
            actor,
        )
        for change in changes
    ]
    await storage.insert_changes(connection, tenant, log, now)
