"""How a campaign's privacy budget is divided among the numbers that it releases. Pure.

A campaign releases its anonymous counts at a few dates. Each release adds discrete Laplace
noise to the cumulative counts. A contact changes each count by at most a bound, so the
noise of a date costs a known part of the budget, and the dates add up to the budget.

See `docs/decisions/0013-cumulative-releases-with-laplace-noise.md` for the proof, and
`make utility` for the errors that result.
"""

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "LINKS_PER_CONTACT",
    "MAX_DATES",
    "MIN_CELL",
    "CountKind",
    "ReleasePlan",
]

MIN_CELL = 500
"""Anonymous messages that a group needs for a count of its own; smaller groups share one."""

LINKS_PER_CONTACT = 2
"""The links on which a contact counts. Fewer would lose more clicks, more need more noise."""

MAX_DATES = 6


class CountKind(Enum):
    """What a released number counts.

    OPENS: people who opened. CLICKERS: people who clicked any link. LINKS: people who
    clicked a link. In mode AGGREGATE: opens, clicks and clicks on a link.
    """

    OPENS = "opens"
    CLICKERS = "clickers"
    LINKS = "links"


_SHARES = {
    (CountKind.OPENS, False): 0.24,
    (CountKind.CLICKERS, False): 0.37,
    (CountKind.LINKS, False): 0.30,
    (CountKind.OPENS, True): 0.03,
    (CountKind.CLICKERS, True): 0.03,
    (CountKind.LINKS, True): 0.03,
}
"""The share of (kind, by machines) in the budget of a date."""

_BOUND = {CountKind.OPENS: 1, CountKind.CLICKERS: 1, CountKind.LINKS: LINKS_PER_CONTACT}
"""The sum of all counts of a kind to which one contact adds.

A contact that clicked or did not changes the clickers by 1 and the links by this bound. A contact
that clicked these or those links changes the links by twice the bound, but not the clickers.
Therefore the links must not have a greater share than the clickers.
"""


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """The noise of each release of a campaign.

    Attributes:
        epsilon: The budget: a contact's acts in the campaign change the probability of all
            that is released by at most a factor of e to the power of epsilon.
        dates: The number of releases. Each has twice the budget of the one before, so that
            half of the budget is left for the last, which stays.
    """

    epsilon: float
    dates: int

    def date_epsilon(self, date: int) -> float:
        """Return the budget of a release; the first has number 0."""
        return self.epsilon * (1 << date) / ((1 << self.dates) - 1)

    def scale(self, date: int, kind: CountKind, *, machine: bool) -> float:
        """Return the scale of the noise on a count: roughly its mean absolute value."""
        return _BOUND[kind] / (self.date_epsilon(date) * _SHARES[kind, machine])
