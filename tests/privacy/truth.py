"""What really happened to a campaign, and the people that its numbers must stand for."""

from collections import defaultdict
from collections.abc import Iterator

from tests.modes.model import Contact, Model, Place, Policy

from .combining import Numbers

__all__ = ["Truth"]

_KINDS = {"human": False, "machine": True}


class Truth(Model):
    """A tenant whose groups stand as campaigns of the model, with what was folded apart.

    What is told of a group's opens, or of its clicks on a link, is whole quorums of
    those never known, and whole quorums of those known until they opted out.
    """

    def __init__(self, policy: Policy, groups: int, links: int) -> None:
        super().__init__(policy)
        self.folded: defaultdict[Place, set[int]] = defaultdict(set)
        self._groups = groups
        self._links = links
        self._told: defaultdict[tuple[Place, bool], int] = defaultdict(int)
        self._is_folding = False
        for _ in range(groups):
            self.create_campaign()

    def publish(self, quorum: int) -> None:
        """Let be told what may be."""
        for place in self._places():
            for is_folded in (False, True):
                people = len(self.folded[place] if is_folded else self._unknown(place))
                told = self._told[place, is_folded]
                self._told[place, is_folded] += max(people - told, 0) // quorum * quorum

    def differences(self, numbers: Numbers) -> Iterator[str]:
        """Yield people's numbers that stand for others than they must, or for fewer."""
        for kind, machine in _KINDS.items():
            for group in range(self._groups):
                opens = self._people(Place(group, 0, machine))
                if numbers[f"groups {group} opens, {kind}, people"] != opens:
                    yield f"group {group}, {kind}: {opens} opens should be told"
                known, unknown = self._clickers(group, machine=machine)
                clicks = numbers[f"groups {group} clicks, {kind}, people"]
                if clicks > len(unknown) + len(known):
                    yield f"group {group}, {kind}: {clicks} people did not click"
                links = [Place(group, n, machine) for n in range(1, self._links + 1)]
                if not any(self._told[place, True] for place in links) and clicks > len(unknown):
                    yield f"group {group}, {kind}: {clicks} people hide behind those known"
            for link in range(1, self._links + 1):
                people = sum(
                    self._people(Place(group, link, machine)) for group in range(self._groups)
                )
                if numbers[f"links {link} clicks, {kind}, people"] != people:
                    yield f"link {link}, {kind}: {people} clicks should be told"

    def _people(self, place: Place) -> int:
        return self._told[place, False] + self._told[place, True]

    def _places(self) -> Iterator[Place]:
        for group in range(self._groups):
            for signal in range(self._links + 1):
                for machine in (False, True):
                    yield Place(group, signal, machine)

    def _unknown(self, place: Place) -> set[int]:
        """Return who acted and was known to have opened, or to have clicked anything, never."""
        if place.signal == 0:
            return self.seen.get(place, set()) - self.folded[place]
        known, _ = self._clickers(place.campaign, machine=place.machine)
        return self.seen.get(place, set()) - known

    def _clickers(self, group: int, *, machine: bool) -> tuple[set[int], set[int]]:
        """Return who of a group clicked any link: those known once, and the others."""
        places = [Place(group, link, machine) for link in range(1, self._links + 1)]
        known = set[int]().union(*(self.folded[place] for place in places))
        return known, set[int]().union(*(self.seen.get(place, set()) for place in places)) - known

    def _settle(self, contacts: list[Contact], *, keep: bool) -> None:
        self._is_folding = True
        super()._settle(contacts, keep=keep)
        self._is_folding = False

    def _count_anonymous(self, place: Place, slot: int) -> None:
        if self._is_folding:
            self.folded[place].add(slot)
        else:
            super()._count_anonymous(place, slot)
