"""The release rule: when a published anonymous number may advance. Pure.

Batched publication: a number stands still until at least k more people stand
behind it, and then advances to the present state at once.
"""

from typing import NamedTuple

__all__ = ["NOTHING", "Count", "advance"]


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
    """Return by how much the published number advances, or None if it stands still.

    `distinct` says that people can be told apart, so that they are what must
    have grown by `quorum`; otherwise events are. A quorum of 1 publishes every
    change, also one of the total alone, for it promises exact numbers.
    """
    step = Count(live.total - published.total, live.unique - published.unique)
    if step == NOTHING:
        return None
    grown = step.unique if distinct else step.total
    if quorum > 1 and grown < quorum:
        return None
    return step
