"""Queries about statistics: live counts, messages sent, engaged contacts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.counters import ANONYMIZED, Count
from hushpost_service.domain.events import SignalRange
from hushpost_service.domain.modes import ContactPreference, Mode
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.preference_columns import to_preference
from hushpost_service.storage.sql import stats as sql

__all__ = [
    "Cell",
    "CellCounts",
    "ContactEvents",
    "HourCell",
    "PurposeEvents",
    "SentMessages",
    "anonymous_counts",
    "block_of",
    "engaged_blocks",
    "engaged_contacts",
    "identified_counts",
    "sent_messages",
]


class Cell(NamedTuple):
    """The place of a live count in a campaign.

    A group's opens (signal 0) or clicks on any link (signal 1); or, with group 0, the
    clicks on link `signal` in all groups.
    """

    group: int
    signal: int
    machine: bool
    mode: int


class HourCell(NamedTuple):
    """An hour's opens (signal 0) or clicks (signal 1)."""

    hour: int
    signal: int
    machine: bool
    mode: int


class SentMessages(NamedTuple):
    """The number of messages sent to a group in an hour whose `purpose` has a mode."""

    group: int
    purpose: Purpose
    mode: Mode
    hour: int
    messages: int


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Counts by cell and by hour."""

    cells: dict[Cell, Count]
    hours: dict[HourCell, Count]


class PurposeEvents(NamedTuple):
    """A contact's identified opens, or clicks, in a campaign.

    Attributes:
        total: The number of events.
        selected: The number of those in a range of signals.
        first_time: The first time; None if there is no event.
        last_time: The last time; None if there is no event.
    """

    total: int
    selected: int
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True, slots=True)
class ContactEvents:
    """A contact, its preference, and its identified events in a campaign."""

    number: int
    contact_id: str
    events: ByPurpose[PurposeEvents]
    preference: ContactPreference


_BY_GROUP, _BY_LINK, _BY_HOUR = 0, 1, 2
_IDENTIFIED = int(Mode.IDENTIFIED)
_ANONYMOUS_MODES = (Mode.ANONYMOUS, ANONYMIZED + Mode.ANONYMOUS)


async def identified_counts(connection: Connection, tenant: int, campaign: int) -> CellCounts:
    """Return the current counts of identified events.

    Reads people before events, so that a commit in between cannot make the number of
    people exceed the number of events.
    """
    people = await _people(connection, tenant, campaign, [_IDENTIFIED], Mode.IDENTIFIED)
    counts = CellCounts({}, {})
    rows = await connection.fetch(sql.IDENTIFIED_EVENTS, tenant, campaign)
    for kind, group, signal, hour, is_click, machine, events, first in rows:
        cell = _cell(kind, group, signal, hour, machine, _IDENTIFIED, is_click=is_click)
        if isinstance(cell, HourCell):
            if events:  # It is 0 if all events of the hour have been anonymized.
                counts.hours[cell] = Count(events, first)
        elif cell is not None:
            counts.cells[cell] = Count(events, people.get(cell, 0))
    return counts


async def anonymous_counts(connection: Connection, tenant: int, campaign: int) -> dict[Cell, Count]:
    """Return the live counts of anonymous and aggregate events: not for reports with noise."""
    people = await _people(connection, tenant, campaign, _ANONYMOUS_MODES, Mode.ANONYMOUS)
    counts = {cell: Count(0, count) for cell, count in people.items()}
    rows = await connection.fetch(sql.ANONYMOUS_EVENTS, tenant, campaign)
    for is_link, group, signal, is_click, machine, mode, events in rows:
        if is_link and not signal:
            continue  # opens, which are counted by group
        cell = Cell(0, signal, machine, mode) if is_link else Cell(group, is_click, machine, mode)
        counts[cell] = Count(events, people.get(cell, 0))
    return counts


async def _people(
    connection: Connection, tenant: int, campaign: int, modes: Sequence[int], mode: Mode
) -> dict[Cell, int]:
    """Return distinct people by cell; the cells get `mode`."""
    people: dict[Cell, int] = {}
    rows = await connection.fetch(sql.PEOPLE_BY_GROUP, tenant, campaign, modes)
    for group, is_click, machine, count in rows:
        people[Cell(group, int(is_click), machine, mode)] = count
    by_link = sql.PEOPLE_BY_LINK_OF_ONE_MODE if len(modes) == 1 else sql.PEOPLE_BY_LINK
    rows = await connection.fetch(by_link, tenant, campaign, modes)
    for link, machine, count in rows:
        people[Cell(0, link, machine, mode)] = count
    return people


def _cell(
    kind: int,
    group: int,
    signal: int,
    hour: int,
    machine: bool,  # noqa: FBT001 - a column
    mode: int,
    *,
    is_click: bool,
) -> Cell | HourCell | None:
    """Return the cell of a row, or None for the opens in the grouping by link."""
    if kind == _BY_HOUR:
        return HourCell(hour, int(is_click), machine, mode)
    if kind == _BY_GROUP:
        return Cell(group, int(is_click), machine, mode)
    return Cell(0, signal, machine, mode) if signal > 0 else None


async def sent_messages(connection: Connection, tenant: int, campaign: int) -> list[SentMessages]:
    """Return the numbers of messages sent, by group, mode of each purpose, and hour."""
    rows = await connection.fetch(sql.SENT_MESSAGES, tenant, campaign)
    return [
        SentMessages(group, Purpose(purpose), Mode(mode), hour, messages)
        for group, purpose, mode, hour, messages in rows
    ]


def block_of(contact: int) -> int:
    """Return the block of a contact, by its number."""
    return contact >> 10


async def engaged_blocks(
    connection: Connection,
    tenant: int,
    campaign: int,
    signals: SignalRange,
    after: int,
    limit: int,
    *,
    include_machine: bool = True,
) -> list[int]:
    """Return the next blocks of contacts (number >> 10) that have an event, in order.

    Args:
        connection: A database connection.
        tenant: The tenant.
        campaign: The campaign.
        signals: The first and last signal of the range that an event must be in.
        after: The last block that was returned before; -1 to begin.
        limit: The maximum number of blocks.
        include_machine: Whether events with an automated verdict count.
    """
    rows = await connection.fetch(
        sql.ENGAGED_BLOCKS, tenant, campaign, *signals, include_machine, after + 1, limit
    )
    return [block for (block,) in rows]


async def engaged_contacts(
    connection: Connection,
    tenant: int,
    campaign: int,
    signals: SignalRange,
    blocks: Sequence[int],
    after: int,
    *,
    include_machine: bool,
) -> list[ContactEvents]:
    """Return the contacts in some blocks that have an event, with their preferences.

    Args:
        connection: A database connection.
        tenant: The tenant.
        campaign: The campaign.
        signals: The first and last signal of the range that an event must be in.
        blocks: Blocks of contacts, as returned by `engaged_blocks`.
        after: Contacts up to this number are left out.
        include_machine: Whether events with an automated verdict count.
    """
    rows = await connection.fetch(
        sql.ENGAGED_CONTACTS, tenant, campaign, *signals, include_machine, blocks, after
    )
    return [
        ContactEvents(
            number,
            contact_id,
            ByPurpose(PurposeEvents(*columns[:4]), PurposeEvents(*columns[4:8])),
            to_preference(columns[8:]),
        )
        for number, contact_id, *columns in rows
    ]
