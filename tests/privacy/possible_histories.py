"""Enumerate everything that can have happened, given the statistics that a reader received.

People of a group are interchangeable, so a state only counts how many of them acted how.
Readers know the release rule, the number of people, when they requested statistics, and the
history of contacts that opted out. They do not know who acts, or how often, in between.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

from hushpost_service.domain.release import NOTHING, Count

from .small_campaigns import Acts, Live, SmallCampaign, State, live, one_act

__all__ = ["Leak", "PossibleHistories", "Published", "Rule"]

Published = tuple[Count, ...]
"""Counts by group and signal, then clickers of any link by group, then by link for some rules."""

Rule = Callable[[SmallCampaign, int, Published, Live], Published]
"""Returns the next published counts, from the quorum, the published and the internal counts."""


class _Response(NamedTuple):
    phase: int
    published: Published


_Change = tuple[State, State]
_History = list[tuple[_Response, set[_Change]]]


class Leak(NamedTuple):
    """A leak: what a reader knows, after which statistics, and the smallest state behind it."""

    acts: int
    responses: tuple[_Response, ...]
    position: int
    known: str
    state: State


class PossibleHistories:
    """All possible histories of a campaign under a rule; `histories` counts those visited."""

    def __init__(self, campaign: SmallCampaign, rule: Rule) -> None:
        self.histories = 0
        self._campaign = campaign
        self._rule = rule
        self._nexts = cache(self._acts_from)
        self._response_to = cache(self._respond)
        self._classes = _classes(campaign)
        places = {place: number for number, place in enumerate(self._classes)}
        self._vector = cache(lambda state: _vector(campaign, places, state))
        sizes = range(1, len(self._classes) + 1)
        self._sets = [s for r in sizes for s in combinations(range(len(self._classes)), r)]

    def leaks(self) -> Iterator[Leak]:
        """Enumerate all sequences of published statistics, and yield leaks."""
        campaign = self._campaign
        initial = State((), ((0,) * campaign.signals,) * len(campaign.named))
        cells = campaign.groups * (campaign.signals + 1) + campaign.links
        yield from self._visit([], _Response(0, (NOTHING,) * cells), {initial})

    def _visit(self, history: _History, response: _Response, entry: set[State]) -> Iterator[Leak]:
        self.histories += 1
        seen, changes = self._silence(response, entry, len(history))
        acts = min(state.size for state in entry)
        responses = (*(before for before, _ in history), response)

        def found(states: set[State], position: int) -> Iterator[Leak]:
            for known in self._known(states, responses[position]):
                yield Leak(acts, responses, position, known, min(states, key=lambda s: s.size))

        yield from found(seen, len(history))
        after = entry
        for position in range(len(history), 0, -1):
            before, pairs = history[position - 1]
            pairs = {pair for pair in pairs if pair[1] in after}
            yield from found({post for _, post in pairs}, position)
            if position > 1:
                entries = {post for _, post in history[position - 2][1]}
                after = self._leading(before, entries, {pre for pre, _ in pairs}, position - 1)
        for following, pairs in sorted(changes.items()):
            if min(post.size for _, post in pairs) <= self._campaign.changes:
                posts = {post for _, post in pairs}
                yield from self._visit([*history, (response, pairs)], following, posts)

    def _silence(
        self, response: _Response, entry: Iterable[State], changes: int
    ) -> tuple[set[State], dict[_Response, set[_Change]]]:
        """Return the states reachable without a published change, and the possible next changes."""
        seen, to_do = set(entry), list(entry)
        following: dict[_Response, set[_Change]] = {}
        while to_do:
            state = to_do.pop()
            for post in self._after(state, response.phase, changes):
                then = self._response_to(response.phase, response.published, post)
                if then != response:
                    following.setdefault(then, set()).add((state, post))
                elif post not in seen:
                    seen.add(post)
                    to_do.append(post)
        if response.phase + 1 < len(self._campaign.phases):
            for state in seen:
                then = self._response_to(response.phase + 1, response.published, state)
                following.setdefault(then, set()).add((state, state))
        return seen, following

    def _leading(
        self, response: _Response, entries: Iterable[State], goals: set[State], changes: int
    ) -> set[State]:
        """Return the entry states from which a goal is reachable without a published change."""
        leads: dict[State, bool] = {}

        def does_lead(state: State) -> bool:
            if state not in leads:
                leads[state] = state in goals or any(
                    does_lead(post)
                    for post in self._after(state, response.phase, changes)
                    if self._response_to(response.phase, response.published, post) == response
                )
            return leads[state]

        return {entry for entry in entries if does_lead(entry)}

    def _after(self, state: State, phase: int, changes: int) -> set[State]:
        polls = self._campaign.polls
        return self._nexts(
            state, self._campaign.phases[phase][1], polls[min(changes, len(polls) - 1)]
        )

    def _acts_from(self, state: State, out: int, acts: int) -> set[State]:
        found, front = set[State](), {state}
        for _ in range(min(acts, self._campaign.acts - state.size)):
            front = {post for pre in front for post in one_act(self._campaign, pre, out)} - found
            found |= front
        return found

    def _respond(self, phase: int, published: Published, state: State) -> _Response:
        quorum = self._campaign.phases[phase][0]
        return _Response(
            phase, self._rule(self._campaign, quorum, published, live(self._campaign, state))
        )

    def _known(self, states: Iterable[State], response: _Response) -> Iterator[str]:
        """Yield nonempty sets that certainly have fewer than k people, and groups that all acted."""
        quorum = self._campaign.phases[response.phase][0]
        small = self._sets
        for vector in {self._vector(state) for state in states}:
            small = [s for s in small if 0 < sum([vector[place] for place in s]) < quorum]
            if not small:
                break
        for places in small:
            yield f"fewer than {quorum} people: {[self._classes[place] for place in places]}"
        yield from self._seen_through(states, response.published)

    def _seen_through(self, states: Iterable[State], published: Published) -> Iterator[str]:
        """Yield cells that certainly contain the whole group, unless that is published."""
        campaign = self._campaign
        cells = product(range(campaign.groups), range(campaign.signals))
        for (group, signal), count in zip(cells, published, strict=False):
            is_published = count.unique == campaign.people and not campaign.limits
            if not is_published and all(
                sum(acts[signal] > 0 for place, acts in state.people if place == group)
                == campaign.people
                for state in states
            ):
                yield f"everybody of group {group} acted: {signal}"


def _classes(campaign: SmallCampaign) -> list[tuple[str, Acts]]:
    """Return the kinds of people: by group and acts (capped at `cap`), or by name."""
    kinds = list(product(range(campaign.cap + 1), repeat=campaign.signals))
    found = [
        (f"group {group}", acts)
        for group in range(campaign.groups)
        for acts in kinds
        if any(acts) or campaign.limits
    ]
    named = product((0, 1), repeat=campaign.signals)
    found += [
        (f"name {n}", acts) for n, acts in product(range(len(campaign.named)), named) if any(acts)
    ]
    assert len(found) <= 12, "too many sets to try them all"
    return found


def _vector(
    campaign: SmallCampaign, places: dict[tuple[str, Acts], int], state: State
) -> Sequence[int]:
    """Return the number of people of each kind."""
    vector = [0] * len(places)
    idle = [campaign.people] * campaign.groups
    for group, acts in state.people:
        idle[group] -= 1
        vector[places[f"group {group}", tuple(min(events, campaign.cap) for events in acts)]] += 1
    for number, acts in enumerate(state.named):
        if any(acts):
            vector[places[f"name {number}", tuple(min(events, 1) for events in acts)]] += 1
    for group, people in enumerate(idle):
        place = places.get((f"group {group}", (0,) * campaign.signals))
        if place is not None:
            vector[place] = people
    return tuple(vector)
