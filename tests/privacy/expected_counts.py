"""Model of a campaign that computes the counts that the service must publish."""

from collections import defaultdict
from collections.abc import Iterator

from tests.modes.model import Contact, Model, Place, Policy

from .combinations import Numbers

__all__ = ["ExpectedCounts"]

_KINDS = {"human": False, "machine": True}


class ExpectedCounts(Model):
    """A tenant in which each group is a campaign of the model.

    Anonymized people are counted separately: the published opens of a group, or clicks
    on a link, are whole quorums of people who were never identified plus whole quorums
    of people who were identified until they opted out.
    """

    def __init__(self, policy: Policy, groups: int, links: int) -> None:
        super().__init__(policy)
        self.anonymized: defaultdict[Place, set[int]] = defaultdict(set)
        self._groups = groups
        self._links = links
        self._published: defaultdict[tuple[Place, bool], int] = defaultdict(int)
        self._is_anonymizing = False
        for _ in range(groups):
            self.create_campaign()

    def publish(self, quorum: int) -> None:
        """Publish all complete quorums."""
        for place in self._places():
            for is_anonymized in (False, True):
                people = len(self.anonymized[place] if is_anonymized else self._unknown(place))
                published = self._published[place, is_anonymized]
                self._published[place, is_anonymized] += (
                    max(people - published, 0) // quorum * quorum
                )

    def differences(self, numbers: Numbers) -> Iterator[str]:
        """Yield descriptions of published counts of people that violate the model."""
        for kind, machine in _KINDS.items():
            for group in range(self._groups):
                opens = self._people(Place(group, 0, machine))
                if numbers[f"groups {group} opens, {kind}, people"] != opens:
                    yield f"group {group}, {kind}: {opens} opens should be published"
                known, unknown = self._clickers(group, machine=machine)
                clicks = numbers[f"groups {group} clicks, {kind}, people"]
                if clicks > len(unknown) + len(known):
                    yield f"group {group}, {kind}: {clicks} people did not click"
                links = [Place(group, n, machine) for n in range(1, self._links + 1)]
                if not any(self._published[place, True] for place in links) and clicks > len(
                    unknown
                ):
                    yield f"group {group}, {kind}: {clicks} clicks include known people"
            for link in range(1, self._links + 1):
                people = sum(
                    self._people(Place(group, link, machine)) for group in range(self._groups)
                )
                if numbers[f"links {link} clicks, {kind}, people"] != people:
                    yield f"link {link}, {kind}: {people} clicks should be published"

    def _people(self, place: Place) -> int:
        return self._published[place, False] + self._published[place, True]

    def _places(self) -> Iterator[Place]:
        for group in range(self._groups):
            for signal in range(self._links + 1):
                for machine in (False, True):
                    yield Place(group, signal, machine)

    def _unknown(self, place: Place) -> set[int]:
        """Return who acted and was never identified with an open, or with a click on any link."""
        if place.signal == 0:
            return self.seen.get(place, set()) - self.anonymized[place]
        known, _ = self._clickers(place.campaign, machine=place.machine)
        return self.seen.get(place, set()) - known

    def _clickers(self, group: int, *, machine: bool) -> tuple[set[int], set[int]]:
        """Return who of a group clicked any link: formerly identified people, and the others."""
        places = [Place(group, link, machine) for link in range(1, self._links + 1)]
        known = set[int]().union(*(self.anonymized[place] for place in places))
        return known, set[int]().union(*(self.seen.get(place, set()) for place in places)) - known

    def anonymize_or_keep(self, contacts: list[Contact], *, keep: bool) -> None:
        """Note that the counted events are anonymized ones."""
        self._is_anonymizing = True
        super().anonymize_or_keep(contacts, keep=keep)
        self._is_anonymizing = False

    def count_anonymous(self, place: Place, slot: int) -> None:
        """Count anonymized events separately."""
        if self._is_anonymizing:
            self.anonymized[place].add(slot)
        else:
            super().count_anonymous(place, slot)
