"""The cells of a campaign's released counts, and which groups have one of their own. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from hushpost_service.domain.release_plan import MIN_CELL, CountKind, ReleasePlan

__all__ = ["ANY_LINK", "OPENS", "SHARED", "ReleasedCell", "cells_of_groups", "kind_of", "scale_of"]

OPENS = 0
"""The signal of opens."""

ANY_LINK = -1
"""The signal of clicks on any link."""

SHARED = 0
"""The cell of all groups that have none of their own, and of the counts of links."""


class ReleasedCell(NamedTuple):
    """The place of a released count in a campaign.

    Attributes:
        cell: The number of a group; or `SHARED`, also for links.
        signal: `OPENS`, `ANY_LINK`, or the number of a link.
        machine: Whether the verdicts are automated.
        mode: ANONYMOUS for people, AGGREGATE for events.
    """

    cell: int
    signal: int
    machine: bool
    mode: int


def cells_of_groups(
    cells: Mapping[int, int | None], anonymous: Mapping[int, int]
) -> dict[int, int]:
    """Return the cell of each group at a release.

    Cells are for good: if they changed, the difference would be a count of few people. So a
    group that is added after the first release shares a cell, however large it becomes.

    Args:
        cells: The cell that each group has, None if none yet.
        anonymous: The messages of each group whose opens, or whose clicks, are ANONYMOUS or
            AGGREGATE, whichever are more.
    """
    is_first = all(cell is None for cell in cells.values())
    found = {}
    for group, cell in cells.items():
        own = is_first and anonymous.get(group, 0) >= MIN_CELL
        found[group] = (group if own else SHARED) if cell is None else cell
    return found


def kind_of(signal: int) -> CountKind:
    """Return what a count of a signal counts."""
    if signal == OPENS:
        return CountKind.OPENS
    return CountKind.CLICKERS if signal == ANY_LINK else CountKind.LINKS


def scale_of(plan: ReleasePlan, date: int, cell: ReleasedCell) -> float:
    """Return the scale of a cell's noise at a date."""
    return plan.scale(date, kind_of(cell.signal), machine=cell.machine)
