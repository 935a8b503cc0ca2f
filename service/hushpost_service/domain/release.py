"""The release rule: which anonymous counts may be published. Pure.

A published count advances only when at least k more people (the quorum) contributed to
it, and only by whole multiples of k. Publishing the current count whenever k more people
came would protect each count alone, but not overlapping counts: the clicks of a group
minus its clicks on one link are the people who clicked other links only, possibly one.

The rule therefore publishes cells that do not overlap: the opens of a group, and its
clicks on each link. The count of a link is the sum over groups. The clickers of a group
advance only together with its links. Every published state could thus have been caused by
people acting alike in groups of k. (Differencing and rounding: Hundepool et al., "Handbook
on Statistical Disclosure Control", sections 5.2 and 5.5.)
"""

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["NOTHING", "Count", "advance", "advance_clickers"]


class Count(NamedTuple):
    """Events, and distinct people.

    `unique` is 0 in mode AGGREGATE, where people cannot be distinguished.
    """

    total: int = 0
    unique: int = 0

    def __add__(self, other: object) -> "Count":
        if not isinstance(other, Count):
            return NotImplemented
        return Count(self.total + other.total, self.unique + other.unique)


NOTHING = Count()


def advance(published: Count, live: Count, quorum: int, *, distinct: bool) -> Count | None:
    """Return by how much the published count of a cell advances; None if it does not.

    Args:
        published: What has been published so far.
        live: The current count.
        quorum: k. A quorum of 1 publishes every change: the counts are exact.
        distinct: Whether people can be distinguished. If so, people must grow by k,
            otherwise events must.
    """
    if quorum == 1:
        step = Count(live.total - published.total, live.unique - published.unique)
        return None if step == NOTHING else step
    if not distinct:
        total = _whole(live.total - published.total, quorum)
        return Count(total, 0) if total else None
    people = _whole(live.unique - published.unique, quorum)
    if not people:
        return None
    repeats = 0
    if published.unique:
        # Repeats are never published with the first people of a cell: they could only
        # come from the few people who were there before the quorum was reached.
        shown = published.total - published.unique
        repeats = _whole(live.total - live.unique - shown, quorum)
    return Count(people + repeats, people)


def advance_clickers(
    published: int, live: int, quorum: int, links: Iterable[tuple[int, int]]
) -> int:
    """Return by how much the published count of a group's clickers (of any link) advances.

    Args:
        published: The clickers published so far.
        live: The current clickers.
        quorum: k.
        links: For each link that advances: the people published before, and the step.
            One step of k on a link lets the clickers advance by at most k.
    """
    if quorum == 1:
        return live - published
    clickers = published
    for people, step in links:
        for reached in range(people + quorum, people + step + 1, quorum):
            if reached > clickers:
                # The count of the link already reveals that many.
                clickers = reached
            elif live >= clickers + quorum:
                clickers += quorum
    return clickers - published


def _whole(number: int, quorum: int) -> int:
    return max(number, 0) // quorum * quorum
