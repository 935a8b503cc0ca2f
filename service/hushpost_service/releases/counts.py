"""Counts what a release publishes, before noise is added."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hushpost_service.domain.cells import (
    ANY_LINK,
    OPENS,
    SHARED,
    ReleasedCell,
    cells_of_groups,
)
from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.link_choice import counted_slots
from hushpost_service.domain.mode_counts import MessagesByMode, cell_scale
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.noise import with_noise
from hushpost_service.storage import releases as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.stats import anonymous_counts

__all__ = ["ReleaseCounts", "count_for_release"]

_ANONYMOUS_MODES = (Mode.ANONYMOUS, Mode.AGGREGATE)
_VERDICTS = (False, True)


@dataclass(frozen=True, slots=True)
class ReleaseCounts:
    """Exact counts, and messages sent by mode.

    Both contain each cell of the campaign, also if nobody acted: which numbers a release
    has must depend neither on events nor on consent.
    """

    counts: dict[ReleasedCell, int]
    sent: MessagesByMode


async def count_for_release(
    connection: Connection, tenant: int, campaign: int, epsilon: float
) -> ReleaseCounts:
    """Return the counts of a release; gives groups their cells if they have none.

    The campaign must be locked. `epsilon` is its budget.
    """
    by_group = await storage.sent_by_group(connection, tenant, campaign)
    cells = await _assigned_cells(connection, tenant, campaign, by_group, epsilon)
    sent = {
        (cell, purpose, mode): 0
        for cell in set(cells.values())
        for purpose in Purpose
        for mode in Mode
    }
    for group, purpose, mode, messages in by_group:
        sent[cells[group], purpose, mode] += messages
    links = await storage.link_numbers(connection, tenant, campaign)
    counts = {
        ReleasedCell(cell, signal, machine, mode): 0
        for places in (
            [(cell, signal) for cell in set(cells.values()) for signal in (OPENS, ANY_LINK)],
            [(SHARED, link) for link in links],
        )
        for cell, signal in places
        for machine in _VERDICTS
        for mode in _ANONYMOUS_MODES
    }
    # Links first: who has clicked by then is a clicker too. Otherwise a click between the two
    # statements could change a clicker and two links, for which the plan has no budget.
    await _add_people_of_links(connection, tenant, campaign, counts)
    await _add_live_counts(connection, tenant, campaign, cells, counts)
    return ReleaseCounts(counts, sent)


async def _assigned_cells(
    connection: Connection,
    tenant: int,
    campaign: int,
    sent: list[tuple[int, Purpose, Mode, int]],
    epsilon: float,
) -> dict[int, int]:
    """Return the cell of each group, and store those that are new.

    Noise on the numbers of anonymous messages keeps the cells from telling a message's mode.
    """
    anonymous: ByPurpose[Counter[int]] = ByPurpose(Counter(), Counter())
    for group, purpose, mode, messages in sent:
        if mode in _ANONYMOUS_MODES:
            anonymous.of(purpose)[group] += messages
    stored = await storage.group_cells(connection, tenant, campaign)
    if None not in stored.values():
        return cells_of_groups(stored, {})
    greatest = anonymous.opens | anonymous.clicks
    exact = [greatest[group] for group in stored]
    # In a thread, because the first call loads OpenDP.
    noisy = await asyncio.to_thread(with_noise, exact, [cell_scale(epsilon)] * len(exact))
    cells = cells_of_groups(stored, dict(zip(stored, noisy, strict=True)))
    own = [group for group, cell in cells.items() if cell == group]
    await storage.assign_cells(connection, tenant, campaign, own)
    return cells


async def _add_live_counts(
    connection: Connection,
    tenant: int,
    campaign: int,
    cells: Mapping[int, int],
    counts: dict[ReleasedCell, int],
) -> None:
    """Add the counts of groups, and of aggregate clicks on links."""
    live = await anonymous_counts(connection, tenant, campaign)
    for (group, signal, machine, mode), count in live.items():
        if group:
            place = ReleasedCell(cells[group], ANY_LINK if signal else OPENS, machine, mode)
        elif mode == Mode.AGGREGATE:
            place = ReleasedCell(SHARED, signal, machine, mode)
        else:
            continue  # people, of whom each counts on a limited number of links
        counts[place] += count.total if mode == Mode.AGGREGATE else count.unique


async def _add_people_of_links(
    connection: Connection, tenant: int, campaign: int, counts: dict[ReleasedCell, int]
) -> None:
    """Add the people who clicked each link, each on a limited number of links."""
    rng = np.random.default_rng()
    async for machine, bitmaps in storage.clicked_slots(connection, tenant, campaign):
        for link, people in counted_slots(bitmaps, rng).items():
            counts[ReleasedCell(SHARED, link, machine, Mode.ANONYMOUS)] += people
