"""Queries about releases of anonymous counts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hushpost_service.domain.cells import ReleasedCell
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.mode_counts import MessagesByMode, ModeCount, Place
from hushpost_service.domain.modes import Mode, Release
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import releases as sql

__all__ = [
    "DueCampaign",
    "ReleaseState",
    "ScheduledCampaign",
    "SentByCell",
    "assign_cells",
    "clicked_slots",
    "due_campaigns",
    "due_until",
    "group_cells",
    "insert_release",
    "last_sent",
    "link_numbers",
    "lock_due",
    "release_state",
    "released_counts",
    "released_sent",
    "sent_by_group",
    "set_next",
    "skip",
]

_ROWS_PER_FETCH = 500
"""Of bitmaps of 512 bytes."""


@dataclass(frozen=True, slots=True)
class SentByCell:
    """Messages sent until a release.

    Attributes:
        by_mode: With noise, by cell and by the mode of each purpose.
        totals: Without noise, by cell. They are public.
    """

    by_mode: MessagesByMode
    totals: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class DueCampaign:
    """A campaign with a due date, locked against other releases.

    Attributes:
        start_time: When its first message was sent.
        epsilon: The privacy budget.
        delays: The dates, in seconds after the start.
        now: The database's time.
    """

    start_time: datetime
    epsilon: float
    delays: tuple[int, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class ScheduledCampaign:
    """A campaign with a date that may be due, and its schedule."""

    tenant: int
    number: int
    start_time: datetime
    delays: tuple[int, ...]
    next_time: datetime


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """How the anonymous counts of a campaign are released, and which release was the last.

    Attributes:
        is_exact: Whether the counts are exact and live.
        epsilon: The privacy budget.
        dates: The number of dates.
        next_time: When the next release is due; None if none is.
        last: The position of the last release's date; None before the first release.
        last_time: When the last release was made.
    """

    is_exact: bool
    epsilon: float
    dates: int
    next_time: datetime | None
    last: int | None
    last_time: datetime | None


async def due_campaigns(connection: Connection, limit: int) -> list[tuple[int, int]]:
    """Return the (tenant, campaign) of campaigns with a due date, the oldest first."""
    return [(tenant, campaign) for tenant, campaign in await connection.fetch(sql.DUE, limit)]


async def lock_due(connection: Connection, tenant: int, campaign: int) -> DueCampaign | None:
    """Lock a campaign until the commit; return None if it has no due date, or is locked."""
    row = await connection.fetchrow(sql.LOCK_DUE, tenant, campaign)
    if row is None:
        return None
    is_due, start, epsilon, delays, now = row
    if not is_due:
        return None
    return DueCampaign(start, epsilon, tuple(delays), now)


async def sent_by_group(
    connection: Connection, tenant: int, campaign: int
) -> list[tuple[int, Purpose, Mode, int]]:
    """Return the numbers of messages sent, as (group, purpose, mode, messages)."""
    rows = await connection.fetch(sql.SENT_BY_GROUP, tenant, campaign)
    return [
        (group, Purpose(purpose), Mode(mode), messages) for group, purpose, mode, messages in rows
    ]


async def group_cells(connection: Connection, tenant: int, campaign: int) -> dict[int, int | None]:
    """Return the cell of each group; None for groups that have none yet."""
    rows = await connection.fetch(sql.GROUP_CELLS, tenant, campaign)
    return dict(map(tuple, rows))


async def assign_cells(
    connection: Connection, tenant: int, campaign: int, own: Sequence[int]
) -> None:
    """Give each group without a cell its own if it is in `own`, else the shared one."""
    await connection.execute(sql.ASSIGN_CELLS, tenant, campaign, own)


async def link_numbers(connection: Connection, tenant: int, campaign: int) -> list[int]:
    """Return the numbers of the campaign's links."""
    return [link for (link,) in await connection.fetch(sql.LINK_NUMBERS, tenant, campaign)]


async def clicked_slots(
    connection: Connection, tenant: int, campaign: int
) -> AsyncIterator[tuple[bool, dict[int, bytes]]]:
    """Yield (machine, bitmaps by link) for each chunk of slots with clicks.

    A bitmap has the bits of the slots that clicked the link.
    """
    place: tuple[int, bool, int] | None = None
    bitmaps: dict[int, bytes] = {}
    cursor = connection.cursor(sql.CLICKED_SLOTS, tenant, campaign, prefetch=_ROWS_PER_FETCH)
    async for group, machine, chunk, link, bits in cursor:
        if (group, machine, chunk) != place:
            if place is not None:
                yield place[1], bitmaps
            place, bitmaps = (group, machine, chunk), {}
        bitmaps[link] = bits.bytes
    if place is not None:
        yield place[1], bitmaps


async def insert_release(
    connection: Connection,
    tenant: int,
    campaign: int,
    release: int,
    now: datetime,
    counts: Mapping[ReleasedCell, int],
    sent: Mapping[Place, ModeCount],
) -> None:
    """Insert a release with its counts and the messages sent.

    Raises a unique violation if the date has been released.
    """
    place = (tenant, campaign, release)
    await connection.execute(sql.INSERT_RELEASE, *place, now)
    cells = zip(*counts, strict=True) if counts else [[]] * 4
    await connection.execute(sql.INSERT_COUNTS, *place, *cells, list(counts.values()))
    sent_cells = zip(*sent, strict=True) if sent else [[]] * 3
    numbers = zip(*sent.values(), strict=True) if sent else [[]] * 2
    await connection.execute(sql.INSERT_SENT, *place, *sent_cells, *numbers)


async def last_sent(connection: Connection, tenant: int, campaign: int) -> dict[Place, ModeCount]:
    """Return the messages sent until the last release; nothing before the first one."""
    rows = await connection.fetch(sql.LAST_SENT, tenant, campaign)
    return {
        (cell, Purpose(purpose), Mode(mode)): ModeCount(messages, noise)
        for cell, purpose, mode, messages, noise in rows
    }


async def set_next(
    connection: Connection, tenant: int, campaign: int, time: datetime | None
) -> None:
    """Set when the next release of a campaign is due; None if none is."""
    await connection.execute(sql.SET_NEXT, tenant, campaign, time)


async def release_state(connection: Connection, tenant: int, campaign: int) -> ReleaseState | None:
    """Return how a campaign's anonymous counts are released, and its last release."""
    row = await connection.fetchrow(sql.RELEASE_STATE, tenant, campaign)
    if row is None:
        return None
    release, epsilon, delays, next_time, last, time = row
    return ReleaseState(release == Release.EXACT, epsilon, len(delays), next_time, last, time)


async def released_counts(
    connection: Connection, tenant: int, campaign: int, release: int
) -> dict[ReleasedCell, int]:
    """Return the counts of a release, with their noise."""
    rows = await connection.fetch(sql.RELEASED_COUNTS, tenant, campaign, release)
    return {ReleasedCell(*cell): count for *cell, count in rows}


async def released_sent(
    connection: Connection, tenant: int, campaign: int, release: int
) -> SentByCell:
    """Return the messages sent until a release."""
    rows = await connection.fetch(sql.RELEASED_SENT, tenant, campaign, release)
    return SentByCell(
        {
            (cell, Purpose(purpose), Mode(mode)): messages
            for cell, purpose, mode, messages, _ in rows
        },
        {cell: total for cell, _, _, _, total in rows},
    )


async def due_until(connection: Connection, time: datetime, limit: int) -> list[ScheduledCampaign]:
    """Return campaigns that have a date due until a time."""
    rows = await connection.fetch(sql.DUE_UNTIL, time, limit)
    return [ScheduledCampaign(*row) for row in rows]


async def skip(
    connection: Connection, campaign: ScheduledCampaign, next_time: datetime | None
) -> None:
    """Set when the next release is due, unless one was made since the campaign was read."""
    await connection.execute(
        sql.SKIP, campaign.tenant, campaign.number, campaign.next_time, next_time
    )
