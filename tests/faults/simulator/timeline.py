"""What is known about a value that calls change: when it was surely, and possibly, in force.

A change takes effect at some time between the start of its call and its acknowledgement.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

__all__ = ["Interval", "Timeline", "strictest"]


@dataclass(frozen=True)
class Interval:
    """The time of a call, from its first try to its acknowledgement."""

    start: float
    end: float

    def touches(self, other: "Interval") -> bool:
        """Return whether the two have a moment in common."""
        return self.start <= other.end and other.start <= self.end


@dataclass
class Timeline:
    """The values of one thing in order. Each change begins after the previous one ended."""

    first: int
    changes: list[tuple[Interval, int]] = field(default_factory=list)

    @property
    def value(self) -> int:
        """The present value."""
        return self.changes[-1][1] if self.changes else self.first

    def change(self, when: Interval, value: int) -> None:
        """Add a change."""
        self.changes.append((when, value))

    def spans(self) -> Iterator[tuple[int, Interval, Interval]]:
        """Yield each value with the times at which it was possibly, and surely, in force."""
        times = [Interval(-inf, -inf), *(when for when, _ in self.changes), Interval(inf, inf)]
        values = [self.first, *(value for _, value in self.changes)]
        for index, value in enumerate(values):
            since, until = times[index], times[index + 1]
            yield value, Interval(since.start, until.end), Interval(since.end, until.start)


def strictest(
    policy: Timeline, preference: Timeline, modes: dict[int, int | None], window: "Window"
) -> tuple[int, int]:
    """Return the least and the greatest mode that a contact's strictest mode can be.

    Args:
        policy: The mode of contacts without a preference.
        preference: The contact's preference.
        modes: The mode of each preference; None for the policy's.
        window: When the modes count.
    """
    least = greatest = 1
    for of_unset, may_apply, applies in policy.spans():
        for value, may_hold, holds in preference.spans():
            mode = modes[value] or of_unset
            if _overlap(may_apply, may_hold, window.possible):
                greatest = max(greatest, mode)
            if _overlap(applies, holds, window.sure):
                least = max(least, mode)
    return least, greatest


@dataclass(frozen=True)
class Window:
    """A time with uncertain bounds, such as "since the campaign was created"."""

    possible: Interval
    sure: Interval


def _overlap(*intervals: Interval) -> bool:
    return max(each.start for each in intervals) < min(each.end for each in intervals)
