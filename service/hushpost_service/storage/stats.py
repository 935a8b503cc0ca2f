"""Numbers of campaigns: what is counted, what is published, who engaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hushpost_service.domain.modes import ContactPreference, DoNotTrack, Mode
from hushpost_service.domain.release import Count
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import stats as sql

__all__ = [
    "ANY_LINK",
    "Cell",
    "EngagedContact",
    "HourCell",
    "Numbers",
    "Waiting",
    "engaged_contacts",
    "identified",
    "lock_publication",
    "publish",
    "published",
    "sent",
    "waiting",
]


ANY_LINK = -1
"""The signal of clicks on any link, where people are published."""


class Cell(NamedTuple):
    """A number's place.

    In answers: a group's opens (signal 0) or clicks on any link (signal 1); or,
    with group 0, the clicks on link `signal`. Where publication is decided: a
    group's opens, its clicks on link `signal`, or on any link (`ANY_LINK`).
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
class Numbers:
    """Numbers by cell, as in answers, and by hour."""

    cells: dict[Cell, Count]
    hours: dict[HourCell, Count]


class Waiting(NamedTuple):
    """An anonymous cell that may have a quorum above what is published of it.

    With the people who clicked any link of the group, and how many are published.
    """

    cell: Cell
    live: Count
    published: Count
    clickers: int
    published_clickers: int


@dataclass(frozen=True, slots=True)
class EngagedContact:
    """An identified contact that engaged."""

    number: int
    contact_id: str
    opens: int
    clicks: int
    first_event_time: datetime
    last_event_time: datetime


_BY_GROUP, _BY_LINK, _BY_HOUR = 0, 1, 2
_IDENTIFIED = int(Mode.IDENTIFIED)


async def identified(connection: Connection, tenant: int, campaign: int) -> Numbers:
    """Return what is counted of identified events now.

    People are read before events: what is committed in between cannot make more
    people than events.
    """
    people: dict[Cell, int] = {}
    for group, is_click, machine, count in await connection.fetch(
        sql.PEOPLE_OF_GROUPS, tenant, campaign
    ):
        people[Cell(group, int(is_click), machine, _IDENTIFIED)] = count
    for link, machine, count in await connection.fetch(sql.PEOPLE_OF_LINKS, tenant, campaign):
        people[Cell(0, link, machine, _IDENTIFIED)] = count
    found = Numbers({}, {})
    rows = await connection.fetch(sql.EVENTS, tenant, campaign)
    for kind, group, signal, hour, is_click, machine, events, first in rows:
        place = _place(kind, group, signal, hour, machine, _IDENTIFIED, is_click=is_click)
        if isinstance(place, HourCell):
            if events:  # 0: all of the hour's were folded since
                found.hours[place] = Count(events, first)
        elif place is not None:
            found.cells[place] = Count(events, people.get(place, 0))
    return found


async def published(connection: Connection, tenant: int, campaign: int) -> Numbers:
    """Return what has been published of a campaign's anonymous numbers."""
    found = Numbers({}, {})
    rows = await connection.fetch(sql.PUBLISHED, tenant, campaign)
    for kind, group, signal, hour, is_click, machine, mode, events, people, of_link in rows:
        place = _place(kind, group, signal, hour, machine, mode, is_click=is_click)
        count = Count(events, (of_link if kind == _BY_LINK else people) or 0)
        if isinstance(place, HourCell):
            found.hours[place] = count
        elif place is not None:
            found.cells[place] = count
    return found


def _place(
    kind: int,
    group: int,
    signal: int,
    hour: int,
    machine: bool,  # noqa: FBT001 - a column
    mode: int,
    *,
    is_click: bool,
) -> Cell | HourCell | None:
    """Return the place of a row that is by group, by link or by hour; None: opens by link."""
    if kind == _BY_HOUR:
        return HourCell(hour, int(is_click), machine, mode)
    if kind == _BY_GROUP:
        return Cell(group, int(is_click), machine, mode)
    return Cell(0, signal, machine, mode) if signal > 0 else None


async def waiting(connection: Connection, tenant: int, campaign: int, quorum: int) -> list[Waiting]:
    """Return the anonymous cells with a quorum above what is published, by group and link."""
    return [
        Waiting(Cell(*row[:4]), Count(*row[4:6]), Count(*row[6:8]), *row[8:])
        for row in map(tuple, await connection.fetch(sql.WAITING, tenant, campaign, quorum))
    ]


async def sent(
    connection: Connection, tenant: int, campaign: int
) -> list[tuple[int, int, int, int]]:
    """Return (group, mode, hour, messages)."""
    return [tuple(row) for row in await connection.fetch(sql.SENT, tenant, campaign)]


async def lock_publication(connection: Connection, campaign: int) -> None:
    """Keep others from publishing numbers of the campaign until the commit."""
    await connection.execute(sql.LOCK_PUBLICATION, campaign)


async def publish(
    connection: Connection,
    tenant: int,
    campaign: int,
    hour: int,
    steps: Mapping[Cell, Count],
) -> None:
    """Let published numbers advance."""
    cells = sorted(steps)
    await connection.execute(
        sql.PUBLISH,
        tenant,
        campaign,
        hour,
        *zip(*cells, strict=True),
        [steps[cell].total for cell in cells],
        [steps[cell].unique for cell in cells],
    )


async def engaged_contacts(
    connection: Connection,
    tenant: int,
    campaign: int,
    signals: tuple[int, int],
    after: int,
    limit: int,
    *,
    include_machine: bool,
) -> list[tuple[EngagedContact, ContactPreference]]:
    """Return contacts with events of signals from…to, by number, and their preferences."""
    rows = await connection.fetch(
        sql.ENGAGED_CONTACTS, tenant, campaign, *signals, include_machine, after, limit
    )
    return [
        (
            EngagedContact(*engaged),
            ContactPreference(DoNotTrack(state), since, (anonymous, aggregate, off)),
        )
        for *engaged, state, since, anonymous, aggregate, off in rows
    ]
