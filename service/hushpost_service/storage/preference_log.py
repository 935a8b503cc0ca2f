"""The log of preference changes: the proof of consent and of its withdrawal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from hushpost_service.domain.consent import ByPurpose, Consent
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.scanned_page import MAX_SCANNED, ScannedPage, scanned_page
from hushpost_service.storage.sql import preference_log as sql

__all__ = [
    "NO_DETAILS",
    "Change",
    "ChangeFilter",
    "Decision",
    "DecisionDetails",
    "RecordedChange",
    "Source",
    "delete_changes",
    "insert_changes",
    "last_decisions",
    "list_changes",
    "pseudonymize_changes",
]

_MAX_NUMBER = 2**63 - 1
_NUMBER_MARGIN_MS = 3_600_000


class Source(IntEnum):
    """Who or what set a preference. Values as in `hushpost.v1.PreferenceSource`."""

    RECIPIENT = 1
    SENDER = 2
    IMPORT = 3
    IMPORT_EMPTY_CELL = 4


class DecisionDetails(NamedTuple):
    """How a decision was made.

    Attributes:
        source_id: The form, double opt-in, call or ticket.
        wording_version: The version of the wording that the recipient saw.
        wording_language: Its language, a BCP 47 tag.
        decision_time: When the recipient decided, as stated.
    """

    source_id: str = ""
    wording_version: str = ""
    wording_language: str = ""
    decision_time: datetime | None = None


NO_DETAILS = DecisionDetails()


class Decision(NamedTuple):
    """A decision on one purpose, and who made it."""

    source: Source
    consent: Consent


@dataclass(frozen=True, slots=True)
class Change:
    """A change, or a confirmation, of a contact's preference.

    Attributes:
        contact_id: The contact, or its pseudonym.
        old: The consents before.
        new: The consents after.
        decided: Whether the call set the consent, if only to the same value.
        source: The origin.
        evidence: In the sender's words.
        details: How the decision was made.
    """

    contact_id: str
    old: ByPurpose[Consent]
    new: ByPurpose[Consent]
    decided: ByPurpose[bool]
    source: Source
    evidence: str = ""
    details: DecisionDetails = NO_DETAILS


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change in the log.

    Attributes:
        number: Its ascending number.
        change: What changed.
        actor: The API key that made the call.
        time: When it was recorded.
    """

    number: int
    change: Change
    actor: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Selects changes; a change must match all that is given.

    Attributes:
        contact_id: The contact.
        source: The origin.
        start: The change was recorded at this time or later.
        end: The change was recorded before this time.
    """

    contact_id: str | None = None
    source: Source | None = None
    start: datetime | None = None
    end: datetime | None = None


async def insert_changes(
    connection: Connection, tenant: int, changes: Sequence[Change], actor: str, time: datetime
) -> None:
    """Append changes by one actor."""
    rows = [
        (
            *(change.contact_id, change.old.opens, change.new.opens),
            *(change.old.clicks, change.new.clicks, *change.decided),
            *(change.source, change.evidence, *change.details),
        )
        for change in changes
    ]
    await connection.execute(sql.INSERT_CHANGES, tenant, *zip(*rows, strict=True), actor, time)


async def last_decisions(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, ByPurpose[Decision | None]]:
    """Return each contact's latest decision on each purpose by the RECIPIENT or SENDER."""
    rows = await connection.fetch(sql.LAST_DECISIONS, tenant, contact_ids)
    return {
        name: ByPurpose(_decision(*opens), _decision(*clicks))
        for name, *columns in rows
        for opens, clicks in ((columns[:2], columns[2:]),)
    }


async def list_changes(
    connection: Connection, tenant: int, wanted: ChangeFilter, after: int, limit: int
) -> ScannedPage[RecordedChange, int]:
    """Return a page of at most `limit` changes after number `after`, oldest first."""
    # A change is numbered by the clock, within seconds of its time.
    start = 0 if wanted.start is None else _number_at(wanted.start, -_NUMBER_MARGIN_MS)
    end = _MAX_NUMBER if wanted.end is None else _number_at(wanted.end, _NUMBER_MARGIN_MS)
    arguments = (
        *(tenant, max(after, start), end, MAX_SCANNED),
        *(wanted.source, wanted.start, wanted.end, limit + 1),
    )
    if wanted.contact_id is None:
        rows = await connection.fetch(sql.LIST_CHANGES, *arguments)
    else:
        rows = await connection.fetch(sql.LIST_CHANGES_OF_CONTACT, *arguments, wanted.contact_id)
    return scanned_page(rows, limit, _recorded_change)


async def delete_changes(connection: Connection, tenant: int, contact_id: str) -> None:
    """Delete a contact's changes."""
    await connection.execute(sql.DELETE_CHANGES, tenant, contact_id)


async def pseudonymize_changes(
    connection: Connection, tenant: int, contact_id: str, pseudonym: str
) -> None:
    """Replace a contact's id by a pseudonym."""
    await connection.execute(sql.PSEUDONYMIZE_CHANGES, tenant, contact_id, pseudonym)


def _decision(source: int | None, consent: int | None) -> Decision | None:
    if source is None or consent is None:
        return None
    return Decision(Source(source), Consent(consent))


def _number_at(time: datetime, margin: int) -> int:
    """Return the number of a change at a time; see the function `ascending_number`."""
    milliseconds = int(time.timestamp() * 1000) + margin
    return min(max(milliseconds << 20, 0), _MAX_NUMBER)


def _recorded_change(number: int, *columns: Any) -> RecordedChange:
    contact_id, old_opens, new_opens, old_clicks, new_clicks, *others = columns
    opens_decided, clicks_decided, source, evidence, *details, actor, time = others
    change = Change(
        contact_id,
        ByPurpose(Consent(old_opens), Consent(old_clicks)),
        ByPurpose(Consent(new_opens), Consent(new_clicks)),
        ByPurpose(opens_decided, clicks_decided),
        Source(source),
        evidence,
        DecisionDetails(*details),
    )
    return RecordedChange(number, change, actor, time)
