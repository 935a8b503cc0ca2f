"""The release rule: what may be published of anonymous numbers. Pure.

A published number advances only when at least k (the quorum) more people stand
behind it, and by a whole multiple of k. Publishing the present state whenever k
more people came would keep that promise for each number alone, and break it for
those that overlap: a group's clicks less the clicks on a link are those who
clicked other links only, be they one.

For the same reason numbers that overlap are not published each at its own time.
All rests on cells that do not: a group's opens, and its clicks on each link. A
link's number is the sum over groups, a group's clicks move only as those on its
links do. So whatever is published, it might have been people acting preference_groups in
whole quorums, and what is counted of any of them, one might take for a multiple
of k. (Differencing and rounding: Hundepool et al., "Handbook on Statistical
Disclosure Control", sections 5.2 and 5.5.)
"""

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["NOTHING", "Count", "advance", "advance_clickers"]


class Count(NamedTuple):
    """A number: all events, and the distinct people behind them.

    Where people cannot be told apart (AGGREGATE), `unique` is 0.
    """

    total: int = 0
    unique: int = 0

    def __add__(self, other: object) -> "Count":
        if not isinstance(other, Count):
            return NotImplemented
        return Count(self.total + other.total, self.unique + other.unique)


NOTHING = Count()


def advance(published: Count, live: Count, quorum: int, *, distinct: bool) -> Count | None:
    """Return by how much the number of a cell advances, or None if it stands still.

    `distinct` says that people can be told apart, so that they are what must
    have grown by `quorum`; otherwise events are. A quorum of 1 publishes every
    change, also one of the total alone, for it promises exact numbers.
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
        # Not with the first people: who came just now came once, so that repeats
        # would be those of the few before.
        shown = published.total - published.unique
        repeats = _whole(live.total - live.unique - shown, quorum)
    return Count(people + repeats, people)


def advance_clickers(
    published: int, live: int, quorum: int, links: Iterable[tuple[int, int]]
) -> int:
    """Return by how much the number of those who clicked any link of a group advances.

    `links` has for each link that advances how many people were published, and by
    how many more they are now. No step of a link's lets it advance by more.
    """
    if quorum == 1:
        return live - published
    clickers = published
    for people, step in links:
        for reached in range(people + quorum, people + step + 1, quorum):
            if reached > clickers:
                # The link tells it anyway.
                clickers = reached
            elif live >= clickers + quorum:
                clickers += quorum
    return clickers - published


def _whole(number: int, quorum: int) -> int:
    return max(number, 0) // quorum * quorum
