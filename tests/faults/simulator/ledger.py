"""The model of a run, computed from acknowledgements alone.

It knows which calls were made, when each began and when it was acknowledged. From that
follow a lower and an upper bound for everything that the database may contain.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from .steps import FALSE, TRUE, UNSET, PlannedEvent
from .timeline import Interval, Timeline, Window, strictest

__all__ = ["AGGREGATE", "ANONYMOUS", "IDENTIFIED", "Bounds", "Cell", "Ledger", "Message"]

IDENTIFIED, ANONYMOUS, AGGREGATE = 1, 2, 3
_ERASED = -1
# The mode of each preference; None for what the policy says about UNSET.
_MODES = {UNSET: None, FALSE: IDENTIFIED, TRUE: ANONYMOUS, _ERASED: ANONYMOUS}


class Cell(NamedTuple):
    """What is counted: link 0 for opens."""

    campaign: str
    link: int
    machine: bool


class Bounds(NamedTuple):
    """The least and the greatest number that is right."""

    least: int = 0
    greatest: int = 0

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.least <= number <= self.greatest

    def plus(self, other: "Bounds") -> "Bounds":
        """Return the bounds of the sum."""
        return Bounds(self.least + other.least, self.greatest + other.greatest)


@dataclass(frozen=True)
class Message:
    """A message. `mode` is what the authority said when it issued the token, at `when`."""

    token: str
    mode: int
    when: Interval


@dataclass(frozen=True)
class _Attempt:
    """An event that was recorded at some time, or possibly was."""

    event: PlannedEvent
    when: Interval
    is_sure: bool


@dataclass
class Ledger:
    """Everything that callers were told.

    Attributes:
        created: When each campaign was created.
        messages: The messages, by campaign and contact.
        policy: The mode of UNSET contacts.
        preferences: The preferences of all contacts.
        erased: Contacts whose erasure was acknowledged.
        errors: What no caller may ever see.
    """

    created: dict[str, Interval] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    policy: Timeline = field(default_factory=lambda: Timeline(IDENTIFIED))
    preferences: dict[str, Timeline] = field(
        default_factory=lambda: defaultdict(lambda: Timeline(UNSET))
    )
    erased: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    _attempts: list[_Attempt] = field(default_factory=list)

    def summary(self) -> str:
        """Return the number of events that count surely, and of those that may count."""
        sure = sum(attempt.is_sure for attempt in self._attempts)
        changes = sum(len(each.changes) for each in self.preferences.values())
        return (
            f"{sure} events acknowledged, {len(self._attempts) - sure} uncertain, "
            f"{changes} preferences, {len(self.policy.changes)} policies"
        )

    def record(self, events: Iterable[PlannedEvent], when: Interval, *, is_sure: bool) -> None:
        """Note events that count once, or, unless `is_sure`, at most once."""
        self._attempts += [_Attempt(event, when, is_sure) for event in events]

    def erase(self, contact: str, when: Interval) -> None:
        """Note an acknowledged erasure."""
        self.preferences[contact].change(when, _ERASED)
        self.erased.add(contact)

    def wrong_messages(self) -> dict[tuple[str, str], Message]:
        """Return the messages whose mode was wrong when they were issued."""
        return {
            key: message
            for key, message in self.messages.items()
            if message.mode not in self._modes(*key, message.when)
        }

    def totals(self) -> dict[Cell, dict[int, Bounds]]:
        """Return the bounds of the events of each cell, by mode; under 0, of all modes."""
        totals: dict[Cell, dict[int, Bounds]] = defaultdict(lambda: defaultdict(Bounds))
        for attempt in self._attempts:
            event = attempt.event
            cell = totals[Cell(event.campaign, event.link, event.machine)]
            possible = self._modes_of(attempt)
            cell[0] = cell[0].plus(Bounds(int(attempt.is_sure), 1))
            for mode in possible:
                is_sure = attempt.is_sure and len(possible) == 1
                cell[mode] = cell[mode].plus(Bounds(int(is_sure), 1))
        return totals

    def identified(self) -> dict[tuple[Cell, str], Bounds]:
        """Return the bounds of the rows that name a contact, by cell and contact."""
        rows: dict[tuple[Cell, str], Bounds] = defaultdict(Bounds)
        for attempt in self._attempts:
            event = attempt.event
            possible = self._modes_of(attempt)
            if IDENTIFIED in possible:
                key = Cell(event.campaign, event.link, event.machine), event.contact
                is_sure = attempt.is_sure and len(possible) == 1
                rows[key] = rows[key].plus(Bounds(int(is_sure), 1))
        return rows

    def _modes_of(self, attempt: _Attempt) -> set[int]:
        """Return the modes that an event can be counted in at the end."""
        event = attempt.event
        if self.messages[event.campaign, event.contact].mode == ANONYMOUS:
            return {ANONYMOUS}
        if not event.privacy_signal:
            return set(self._modes(event.campaign, event.contact, Interval(inf, inf)))
        modes = self._modes(event.campaign, event.contact, attempt.when)
        return {AGGREGATE if mode == IDENTIFIED else mode for mode in modes}

    def _modes(self, campaign: str, contact: str, until: Interval) -> range:
        """Return the strictest modes that a contact can have had since a campaign was created."""
        created = self.created[campaign]
        window = Window(
            possible=Interval(created.start, until.end), sure=Interval(created.end, until.start)
        )
        least, greatest = strictest(self.policy, self.preferences[contact], _MODES, window)
        return range(least, greatest + 1)
