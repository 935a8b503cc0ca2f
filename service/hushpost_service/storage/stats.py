"""Queries about statistics: identified counts, published counts, engaged contacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hushpost_service.domain.modes import ContactPreference, DoNotTrack, Mode
from hushpost_service.domain.release import Count
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import stats as sql

__all__ = [
    "ALL_SIGNALS",
    "ANY_LINK",
    "Cell",
    "CellCounts",
    "EngagedContact",
    "HourCell",
    "UnpublishedCell",
    "block_of",
    "engaged_blocks",
    "engaged_contacts",
    "identified_counts",
    "lock_publication",
    "publish",
    "published_counts",
    "sent_messages",
    "unpublished_cells",
]

ALL_SIGNALS = (0, 2**15 - 1)
"""The range of all signals: opens and clicks on any link."""

ANY_LINK = -1
"""The signal of a cell that counts the people who clicked any link of a group."""


class Cell(NamedTuple):
    """The place of a count in a campaign.

    In `CellCounts`: a group's opens (signal 0) or clicks on any link (signal 1); or, with
    group 0, the clicks on link `signal`.

    In publication: a group's opens (signal 0), its clicks on link `signal`, or on any
    link (`ANY_LINK`). `mode` is a `Mode`, plus `ANONYMIZED` for anonymized events.
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


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Counts by cell and by hour."""

    cells: dict[Cell, Count]
    hours: dict[HourCell, Count]


class UnpublishedCell(NamedTuple):
    """An anonymous cell whose live count exceeds the published count by the quorum.

    Attributes:
        cell: The cell.
        live: The current count.
        published: The published count.
        clickers: The people who clicked any link of the group.
        published_clickers: The published number of these people.
    """

    cell: Cell
    live: Count
    published: Count
    clickers: int
    published_clickers: int


@dataclass(frozen=True, slots=True)
class EngagedContact:
    """A contact with identified events in a campaign."""

    number: int
    contact_id: str
    opens: int
    clicks: int
    first_event_time: datetime
    last_event_time: datetime


_BY_GROUP, _BY_LINK, _BY_HOUR = 0, 1, 2
_IDENTIFIED = int(Mode.IDENTIFIED)


async def identified_counts(connection: Connection, tenant: int, campaign: int) -> CellCounts:
    """Return the current counts of identified events.

    Reads people before events, so that a commit in between cannot make the number of
    people exceed the number of events.
    """
    people: dict[Cell, int] = {}
    for group, is_click, machine, count in await connection.fetch(
        sql.PEOPLE_BY_GROUP, tenant, campaign
    ):
        people[Cell(group, int(is_click), machine, _IDENTIFIED)] = count
    for link, machine, count in await connection.fetch(sql.PEOPLE_BY_LINK, tenant, campaign):
        people[Cell(0, link, machine, _IDENTIFIED)] = count
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


async def published_counts(connection: Connection, tenant: int, campaign: int) -> CellCounts:
    """Return the published anonymous counts of a campaign."""
    counts = CellCounts({}, {})
    rows = await connection.fetch(sql.PUBLISHED_COUNTS, tenant, campaign)
    for kind, group, signal, hour, is_click, machine, mode, events, people, of_link in rows:
        cell = _cell(kind, group, signal, hour, machine, mode, is_click=is_click)
        count = Count(events, (of_link if kind == _BY_LINK else people) or 0)
        if isinstance(cell, HourCell):
            counts.hours[cell] = count
        elif cell is not None:
            counts.cells[cell] = count
    return counts


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


async def unpublished_cells(
    connection: Connection, tenant: int, campaign: int, quorum: int
) -> list[UnpublishedCell]:
    """Return the anonymous cells that exceed their published count by the quorum."""
    return [
        UnpublishedCell(Cell(*row[:4]), Count(*row[4:6]), Count(*row[6:8]), *row[8:])
        for row in map(
            tuple, await connection.fetch(sql.UNPUBLISHED_CELLS, tenant, campaign, quorum)
        )
    ]


async def sent_messages(
    connection: Connection, tenant: int, campaign: int
) -> list[tuple[int, int, int, int]]:
    """Return the numbers of messages sent, as (group, mode, hour, messages)."""
    return [tuple(row) for row in await connection.fetch(sql.SENT_MESSAGES, tenant, campaign)]


async def lock_publication(connection: Connection, campaign: int) -> None:
    """Block others from publishing counts of the campaign until the commit."""
    await connection.execute(sql.LOCK_PUBLICATION, campaign)


async def publish(
    connection: Connection,
    tenant: int,
    campaign: int,
    hour: int,
    increments: Mapping[Cell, Count],
) -> None:
    """Add increments to the published counts; `hour` counts from 1970-01-01T00Z."""
    cells = sorted(increments)
    await connection.execute(
        sql.PUBLISH,
        tenant,
        campaign,
        hour,
        *zip(*cells, strict=True),
        [increments[cell].total for cell in cells],
        [increments[cell].unique for cell in cells],
    )


def block_of(contact: int) -> int:
    """Return the block of a contact, by its number."""
    return contact >> 10


async def engaged_blocks(
    connection: Connection,
    tenant: int,
    campaign: int,
    signals: tuple[int, int],
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
    signals: tuple[int, int],
    blocks: Sequence[int],
    after: int,
    *,
    include_machine: bool,
) -> list[tuple[EngagedContact, ContactPreference]]:
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
        (
            EngagedContact(*engaged),
            ContactPreference(DoNotTrack(value), since, (anonymous, aggregate, off)),
        )
        for *engaged, value, since, anonymous, aggregate, off in rows
    ]
