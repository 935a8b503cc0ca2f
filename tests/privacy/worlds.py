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

from .scene import Acts, Live, Scene, State, live, one_act

__all__ = ["Break", "Published", "Rule", "Worlds"]

Published = tuple[Count, ...]
"""Counts by group and signal, then clickers of any link by group, then by link for some rules."""

Rule = Callable[[Scene, int, Published, Live], Published]
"""Returns the next published counts, from the quorum, the published and the internal counts."""


class _Told(NamedTuple):
    phase: int
    published: Published


_Change = tuple[State, State]
_History = list[tuple[_Told, set[_Change]]]


class Break(NamedTuple):
    """A leak: what a reader knows, after which statistics, and the smallest state behind it."""

    acts: int
    told: tuple[_Told, ...]
    moment: int
    known: str
    state: State


class Worlds:
    """All possible histories of a scene under a rule; `histories` counts those visited."""

    def __init__(self, scene: Scene, rule: Rule) -> None:
        self.histories = 0
        self._scene = scene
        self._rule = rule
        self._nexts = cache(self._acts_from)
        self._told = cache(self._tell)
        self._classes = _classes(scene)
        places = {place: number for number, place in enumerate(self._classes)}
        self._vector = cache(lambda state: _vector(scene, places, state))
        sizes = range(1, len(self._classes) + 1)
        self._sets = [s for r in sizes for s in combinations(range(len(self._classes)), r)]

    def breaks(self) -> Iterator[Break]:
        """Enumerate all sequences of published statistics, and yield leaks."""
        scene = self._scene
        nobody = State((), ((0,) * scene.signals,) * len(scene.named))
        cells = scene.groups * (scene.signals + 1) + scene.links
        yield from self._visit([], _Told(0, (NOTHING,) * cells), {nobody})

    def _visit(self, history: _History, told: _Told, entry: set[State]) -> Iterator[Break]:
        self.histories += 1
        seen, changes = self._silence(told, entry, len(history))
        acts = min(state.size for state in entry)
        all_told = (*(before for before, _ in history), told)

        def found(states: set[State], moment: int) -> Iterator[Break]:
            for known in self._known(states, all_told[moment]):
                yield Break(acts, all_told, moment, known, min(states, key=lambda s: s.size))

        yield from found(seen, len(history))
        after = entry
        for moment in range(len(history), 0, -1):
            before, pairs = history[moment - 1]
            pairs = {pair for pair in pairs if pair[1] in after}
            yield from found({post for _, post in pairs}, moment)
            if moment > 1:
                entries = {post for _, post in history[moment - 2][1]}
                after = self._leading(before, entries, {pre for pre, _ in pairs}, moment - 1)
        for following, pairs in sorted(changes.items()):
            if min(post.size for _, post in pairs) <= self._scene.changes:
                posts = {post for _, post in pairs}
                yield from self._visit([*history, (told, pairs)], following, posts)

    def _silence(
        self, told: _Told, entry: Iterable[State], changes: int
    ) -> tuple[set[State], dict[_Told, set[_Change]]]:
        """Return the states reachable without a published change, and the possible next changes."""
        seen, to_do = set(entry), list(entry)
        following: dict[_Told, set[_Change]] = {}
        while to_do:
            state = to_do.pop()
            for post in self._after(state, told.phase, changes):
                then = self._told(told.phase, told.published, post)
                if then != told:
                    following.setdefault(then, set()).add((state, post))
                elif post not in seen:
                    seen.add(post)
                    to_do.append(post)
        if told.phase + 1 < len(self._scene.phases):
            for state in seen:
                then = self._told(told.phase + 1, told.published, state)
                following.setdefault(then, set()).add((state, state))
        return seen, following

    def _leading(
        self, told: _Told, entries: Iterable[State], goals: set[State], changes: int
    ) -> set[State]:
        """Return the entry states from which a goal is reachable without a published change."""
        leads: dict[State, bool] = {}

        def does_lead(state: State) -> bool:
            if state not in leads:
                leads[state] = state in goals or any(
                    does_lead(post)
                    for post in self._after(state, told.phase, changes)
                    if self._told(told.phase, told.published, post) == told
                )
            return leads[state]

        return {entry for entry in entries if does_lead(entry)}

    def _after(self, state: State, phase: int, changes: int) -> set[State]:
        polls = self._scene.polls
        return self._nexts(state, self._scene.phases[phase][1], polls[min(changes, len(polls) - 1)])

    def _acts_from(self, state: State, out: int, acts: int) -> set[State]:
        found, front = set[State](), {state}
        for _ in range(min(acts, self._scene.acts - state.size)):
            front = {post for pre in front for post in one_act(self._scene, pre, out)} - found
            found |= front
        return found

    def _tell(self, phase: int, published: Published, state: State) -> _Told:
        quorum = self._scene.phases[phase][0]
        return _Told(phase, self._rule(self._scene, quorum, published, live(self._scene, state)))

    def _known(self, states: Iterable[State], told: _Told) -> Iterator[str]:
        """Yield nonempty sets that certainly have fewer than k people, and groups that all acted."""
        quorum = self._scene.phases[told.phase][0]
        small = self._sets
        for vector in {self._vector(state) for state in states}:
            small = [s for s in small if 0 < sum([vector[place] for place in s]) < quorum]
            if not small:
                break
        for places in small:
            yield f"fewer than {quorum} people: {[self._classes[place] for place in places]}"
        yield from self._seen_through(states, told.published)

    def _seen_through(self, states: Iterable[State], published: Published) -> Iterator[str]:
        """Yield cells that certainly contain the whole group, unless that is published."""
        scene = self._scene
        cells = product(range(scene.groups), range(scene.signals))
        for (group, signal), count in zip(cells, published, strict=False):
            is_told = count.unique == scene.people and not scene.limits
            if not is_told and all(
                sum(acts[signal] > 0 for place, acts in state.people if place == group)
                == scene.people
                for state in states
            ):
                yield f"everybody of group {group} acted: {signal}"


def _classes(scene: Scene) -> list[tuple[str, Acts]]:
    """Return the kinds of people: by group and acts (capped at `cap`), or by name."""
    kinds = list(product(range(scene.cap + 1), repeat=scene.signals))
    found = [
        (f"group {group}", acts)
        for group in range(scene.groups)
        for acts in kinds
        if any(acts) or scene.limits
    ]
    named = product((0, 1), repeat=scene.signals)
    found += [
        (f"name {n}", acts) for n, acts in product(range(len(scene.named)), named) if any(acts)
    ]
    assert len(found) <= 12, "too many sets to try them all"
    return found


def _vector(scene: Scene, places: dict[tuple[str, Acts], int], state: State) -> Sequence[int]:
    """Return the number of people of each kind."""
    vector = [0] * len(places)
    idle = [scene.people] * scene.groups
    for group, acts in state.people:
        idle[group] -= 1
        vector[places[f"group {group}", tuple(min(events, scene.cap) for events in acts)]] += 1
    for number, acts in enumerate(state.named):
        if any(acts):
            vector[places[f"name {number}", tuple(min(events, 1) for events in acts)]] += 1
    for group, people in enumerate(idle):
        place = places.get((f"group {group}", (0,) * scene.signals))
        if place is not None:
            vector[place] = people
    return tuple(vector)
