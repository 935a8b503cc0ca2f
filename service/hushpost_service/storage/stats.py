"""Numbers of campaigns: what is counted, what is published, who engaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hushpost_service.policy import ContactPreference, DoNotTrack
from hushpost_service.release import NOTHING, Count
from hushpost_service.storage.sql import stats as sql

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = [
    "Cell",
    "Counted",
    "EngagedContact",
    "Published",
    "counted",
    "engaged_contacts",
    "lock_publication",
    "publish",
    "published",
    "sent",
]


class Cell(NamedTuple):
    """A number's place.

    A group's opens (signal 0) or clicks on any link (signal 1); or, with group
    0, the clicks on link `signal`.
    """

    group: int
    signal: int
    machine: bool
    mode: int


class HourCell(NamedTuple):
    """An hour's opens (signal 0) or clicks (signal 1), identified."""

    hour: int
    signal: int
    machine: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted now, in every mode, and the identified part by hour."""

    cells: dict[Cell, Count]
    hours: dict[HourCell, Count]


@dataclass(frozen=True, slots=True)
class Published:
    """What has been published of the anonymous cells, also by hour."""

    cells: dict[Cell, Count]
    hours: dict[tuple[int, Cell], Count]


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


async def counted(connection: "Connection", tenant: int, campaign: int) -> Counted:
    """Return what is counted of a campaign.

    People are read before events: what is committed in between cannot make more
    people than events.
    """
    people: dict[Cell, int] = {}
    for group, is_click, machine, mode, count in await connection.fetch(
        sql.PEOPLE_OF_GROUPS, tenant, campaign
    ):
        people[Cell(group, int(is_click), machine, mode)] = count
    for link, machine, mode, count in await connection.fetch(sql.PEOPLE_OF_LINKS, tenant, campaign):
        people[Cell(0, link, machine, mode)] = count
    cells: dict[Cell, Count] = {}
    hours: dict[HourCell, Count] = {}
    rows = await connection.fetch(sql.EVENTS, tenant, campaign)
    for kind, group, signal, hour, is_click, machine, mode, events, first in rows:
        if kind == _BY_HOUR:
            if hour and events:  # 0: all of the hour's were folded since
                hours[HourCell(hour, int(is_click), machine)] = Count(events, first)
        elif kind == _BY_GROUP or signal > 0:
            by_group = kind == _BY_GROUP
            cell = Cell(
                group if by_group else 0, int(is_click) if by_group else signal, machine, mode
            )
            cells[cell] = Count(events, people.get(cell, 0))
    return Counted(cells, hours)


async def published(connection: "Connection", tenant: int, campaign: int) -> Published:
    """Return what has been published of a campaign."""
    cells: dict[Cell, Count] = {}
    hours: dict[tuple[int, Cell], Count] = {}
    rows = await connection.fetch(sql.PUBLICATIONS, tenant, campaign)
    for group, signal, machine, mode, hour, events, people in rows:
        cell = Cell(group, signal, machine, mode)
        cells[cell] = cells.get(cell, NOTHING) + Count(events, people)
        hours[hour, cell] = Count(events, people)
    return Published(cells, hours)


async def sent(
    connection: "Connection", tenant: int, campaign: int
) -> list[tuple[int, int, int, int]]:
    """Return (group, mode, hour, messages)."""
    return [tuple(row) for row in await connection.fetch(sql.SENT, tenant, campaign)]


async def lock_publication(connection: "Connection", campaign: int) -> None:
    """Keep others from publishing numbers of the campaign until the commit."""
    await connection.execute(sql.LOCK_PUBLICATION, campaign)


async def publish(
    connection: "Connection",
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
    connection: "Connection",
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
