"""Model of a campaign small enough to enumerate every sequence of events."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from hushpost_service.domain.release import NOTHING, Count

__all__ = ["Acts", "Live", "Named", "SmallCampaign", "State", "live", "one_act"]

Acts = tuple[int, ...]
"""Events of a person by signal: clicks on each link, then opens if the model has them."""


class State(NamedTuple):
    """State of the campaign.

    Attributes:
        people: (group, acts) of each anonymous person who acted, sorted.
        named: Acts of the named contacts since they opted out.
    """

    people: tuple[tuple[int, Acts], ...]
    named: tuple[Acts, ...]

    @property
    def size(self) -> int:
        """The total number of events."""
        return sum(sum(acts) for _, acts in self.people) + sum(map(sum, self.named))


class Named(NamedTuple):
    """A contact whose history the reader knows: group, and signals of its anonymized events."""

    group: int
    anonymized: frozenset[int]


@dataclass(frozen=True)
class SmallCampaign:
    """Public facts about a campaign, and limits of the enumeration.

    Attributes:
        people: Anonymous people per group.
        acts: The largest number of events in a sequence.
        changes: Follow a published change only if at most this many events explain it.
        limits: Also look for documented limits that no quorum hides: that only a few
            people did nothing, or that everybody acted.
        cap: Event counts from this number on are treated as equal.
        phases: Successive (quorum, number of `named` contacts that have opted out).
        polls: The largest number of events between two requests, after zero published
            changes, after one, and so on; the last value applies to all later ones.
    """

    people: int
    links: int
    acts: int
    changes: int
    groups: int = 1
    opens: bool = False
    distinct: bool = True
    limits: bool = False
    cap: int = 2
    phases: tuple[tuple[int, int], ...] = ((2, 0),)
    named: tuple[Named, ...] = ()
    polls: tuple[int, ...] = (1,)

    @property
    def signals(self) -> int:
        """The number of signals."""
        return self.links + self.opens


@dataclass(frozen=True)
class Live:
    """The service's internal counts.

    Attributes:
        cells: Counts by (group, signal).
        clickers: People who clicked any link, by group.
        returned: People not counted as new in a cell because their events on other links
            were anonymized.
    """

    cells: dict[tuple[int, int], Count]
    clickers: tuple[int, ...]
    returned: dict[tuple[int, int], int]


def one_act(campaign: SmallCampaign, state: State, out: int) -> Iterator[State]:
    """Yield the states after one more event, where `out` named contacts have opted out."""
    here = [group for group, _ in state.people]
    fresh = [
        (g, (0,) * campaign.signals)
        for g in range(campaign.groups)
        if here.count(g) < campaign.people
    ]
    for person in {*state.people, *fresh}:
        others = list(state.people)
        if any(person[1]):
            others.remove(person)
        for acts in _more(person[1]):
            yield State(tuple(sorted([*others, (person[0], acts)])), state.named)
    for number in range(out):
        for acts in _more(state.named[number]):
            named = (*state.named[:number], acts, *state.named[number + 1 :])
            yield State(state.people, named)


def _more(acts: Acts) -> list[Acts]:
    return [(*acts[:place], acts[place] + 1, *acts[place + 1 :]) for place in range(len(acts))]


def live(campaign: SmallCampaign, state: State) -> Live:
    """Count as the service does: a contact anonymized on one link is new on no other link."""
    cells = dict.fromkeys(product(range(campaign.groups), range(campaign.signals)), NOTHING)
    returned = dict.fromkeys(cells, 0)
    clickers = [0] * campaign.groups
    for group, acts in state.people:
        clickers[group] += any(acts[: campaign.links])
        for signal, events in enumerate(acts):
            cells[group, signal] += Count(events, int(events > 0))
    for (group, anonymized), acts in zip(campaign.named, state.named, strict=True):
        is_new = not any(signal < campaign.links for signal in anonymized)
        clickers[group] += is_new and any(acts[: campaign.links])
        for signal, events in enumerate(acts):
            is_new_here = is_new if signal < campaign.links else signal not in anonymized
            cells[group, signal] += Count(events, int(is_new_here and events > 0))
            returned[group, signal] += not is_new_here and signal not in anonymized and events > 0
    return Live(cells, tuple(clickers), returned)
