"""Who is in a mailing, what they may do, and what is counted of it. Small enough to try it all."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from hushpost_service.domain.release import NOTHING, Count

__all__ = ["Acts", "Live", "Named", "Scene", "State", "live", "one_act"]

Acts = tuple[int, ...]
"""Events of a person: clicks on each link, and opens last where there are any."""


class State(NamedTuple):
    """What happened: (group, acts) of those who acted, sorted, and acts of named contacts."""

    people: tuple[tuple[int, Acts], ...]
    named: tuple[Acts, ...]

    @property
    def size(self) -> int:
        """All acts."""
        return sum(sum(acts) for _, acts in self.people) + sum(map(sum, self.named))


class Named(NamedTuple):
    """A contact known by name: its group, and the signals that its folded events were on."""

    group: int
    folded: frozenset[int]


@dataclass(frozen=True)
class Scene:
    """What is public, and how far to look.

    `phases`: the quorum, and how many of the `named` have opted out, one after
    another. `polls`: how many acts there may be from one time of asking to the
    next, after no change was seen, after one, and so on; the last goes on. `limits`:
    also look for what no quorum hides: that few did nothing, that everybody acted.
    `acts`: worlds have no more. `changes`: followed as long as so many can explain them.
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
        """How many signals there are."""
        return self.links + self.opens


@dataclass(frozen=True)
class Live:
    """What is counted: by (group, signal), and who clicked any link by group.

    `returned`: people who are nobody new in a cell since they were folded on other links.
    """

    cells: dict[tuple[int, int], Count]
    clickers: tuple[int, ...]
    returned: dict[tuple[int, int], int]


def one_act(scene: Scene, state: State, out: int) -> Iterator[State]:
    """Yield what one more act may lead to, after `out` named contacts have opted out."""
    here = [group for group, _ in state.people]
    fresh = [(g, (0,) * scene.signals) for g in range(scene.groups) if here.count(g) < scene.people]
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


def live(scene: Scene, state: State) -> Live:
    """Count as the service does: whoever was folded on a link is nobody new on any."""
    cells = dict.fromkeys(product(range(scene.groups), range(scene.signals)), NOTHING)
    returned = dict.fromkeys(cells, 0)
    clickers = [0] * scene.groups
    for group, acts in state.people:
        clickers[group] += any(acts[: scene.links])
        for signal, events in enumerate(acts):
            cells[group, signal] += Count(events, int(events > 0))
    for (group, folded), acts in zip(scene.named, state.named, strict=True):
        is_new = not any(signal < scene.links for signal in folded)
        clickers[group] += is_new and any(acts[: scene.links])
        for signal, events in enumerate(acts):
            is_new_here = is_new if signal < scene.links else signal not in folded
            cells[group, signal] += Count(events, int(is_new_here and events > 0))
            returned[group, signal] += not is_new_here and signal not in folded and events > 0
    return Live(cells, tuple(clickers), returned)
