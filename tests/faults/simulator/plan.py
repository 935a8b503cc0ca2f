"""The plan of a run: what callers do and which faults occur, all chosen by the seed.

The plan is the same whenever the seed is. When each step happens, how processes interleave
and which calls a fault hits is up to the operating system.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

from .steps import (
    CAMPAIGNS,
    CONTACTS,
    ERASED,
    FALSE,
    LINKS,
    TRUE,
    UNSET,
    BatchPreferences,
    Erase,
    Mail,
    PlannedEvent,
    Policy,
    Read,
    Record,
    SetPreference,
    Step,
    Visit,
)

__all__ = ["Fault", "FaultKind", "Plan", "make_plan"]

SECONDS = 5.0
"""How long faults occur."""

_RECORDERS, _VISITORS = 2, 3
_PAUSE = 0.1
_MAX_MINUTES = 3 * 7 * 24 * 60
"""How wrong a clock can be. An event that was dated so long ago is still accepted."""


class FaultKind(Enum):
    """What can happen to a part of the installation."""

    KILL_AUTHORITY = auto()
    RESTART_AUTHORITY = auto()
    FREEZE_AUTHORITY = auto()
    KILL_EDGE = auto()
    KILL_EDGE_WORKERS = auto()
    RESTART_EDGE = auto()
    FREEZE_EDGE = auto()
    FILL_EDGE_DISK = auto()
    RESTART_EDGE_ON_FULL_DISK = auto()
    KILL_EDGE_ON_FULL_DISK = auto()
    KILL_DATABASE = auto()
    RESTART_DATABASE = auto()
    FREEZE_DATABASE = auto()
    CUT_DATABASE = auto()
    STALL_DATABASE = auto()
    CUT_EDGE = auto()
    STALL_EDGE = auto()
    SWITCH_EDGE = auto()
    CUT_CALLERS = auto()
    STALL_CALLERS = auto()
    KILL_ALL = auto()
    FILL_DATABASE_DISK = auto()
    FILL_LOG_DISK = auto()
    SET_AUTHORITY_CLOCK = auto()
    SET_EDGE_CLOCK = auto()
    SET_DATABASE_CLOCK = auto()


@dataclass(frozen=True)
class Fault:
    """A fault. `at` and `seconds` are its start and duration; `target` is 0 or 1.

    Attributes:
        shift: How far a clock is ahead of the real time from then on.
    """

    kind: FaultKind
    at: float
    seconds: float
    target: int
    size: int
    shift: timedelta


@dataclass(frozen=True)
class Plan:
    """What happens in a run: the steps of each caller, and the faults in order of time.

    Attributes:
        parallel: How many steps of each caller are under way at once. They overtake each
            other if there are several.
        pauses: How long each caller waits before it starts the next step, at most.
    """

    seed: int
    callers: tuple[tuple[Step, ...], ...]
    parallel: tuple[int, ...]
    pauses: tuple[float, ...]
    faults: tuple[Fault, ...]


def make_plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    choice = _Choice(random.Random(seed))  # noqa: S311 - repeatable
    half = len(CONTACTS) // 2
    callers: list[tuple[list[Step], int, float]] = [
        *((choice.records(), 4, _PAUSE) for _ in range(_RECORDERS)),
        *((choice.visits(), 2, _PAUSE) for _ in range(_VISITORS)),
        (choice.preferences(CONTACTS[:half]), 1, _PAUSE),
        (choice.preferences(CONTACTS[half:]), 1, _PAUSE),
        (choice.erasures(), 1, 10 * _PAUSE),
        (choice.mailings(), 1, _PAUSE / 2),
        (choice.policies(), 1, 8 * _PAUSE),
        ([Read(choice.event(CAMPAIGNS)) for _ in range(40)], 1, _PAUSE),
    ]
    return Plan(
        seed,
        tuple(tuple(steps) for steps, _, _ in callers),
        tuple(parallel for _, parallel, _ in callers),
        tuple(pause for _, _, pause in callers),
        tuple(choice.faults()),
    )


class _Choice:
    """Makes the random choices of a plan."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def event(self, campaigns: tuple[str, ...], contacts: tuple[str, ...] = ()) -> PlannedEvent:
        rng = self._rng
        return PlannedEvent(
            rng.choice(campaigns),
            rng.choice(contacts or CONTACTS + ERASED),
            rng.randrange(len(LINKS) + 1),
            machine=rng.random() < 0.1,
            privacy_signal=rng.random() < 0.1,
        )

    def record(self, campaigns: tuple[str, ...], contacts: tuple[str, ...] = ()) -> Record:
        rng = self._rng
        is_batch = rng.random() < 0.4
        events = tuple(
            self.event(campaigns, contacts) for _ in range(rng.randint(1, 30) if is_batch else 1)
        )
        has_id = rng.random() < 0.8
        return Record(
            events,
            is_batch,
            self._uuid() if has_id else None,
            is_repeated=has_id and rng.random() < 0.9,
            copies=rng.choice((1, 1, 2, 3)) if has_id else 1,
            garbage=tuple(sorted(rng.sample(range(len(events)), 1)))
            if is_batch and rng.random() < 0.3
            else (),
        )

    def visit(self, campaigns: tuple[str, ...], contacts: tuple[str, ...] = ()) -> Visit:
        event = self.event(campaigns, contacts)
        return Visit(event, self._rng.randrange(2))

    def records(self) -> list[Step]:
        return [self.record(CAMPAIGNS) for _ in range(120)]

    def visits(self) -> list[Step]:
        return [self.visit(CAMPAIGNS) for _ in range(150)]

    def preferences(self, contacts: tuple[str, ...]) -> list[Step]:
        """Of a few contacts, so that some keep their first preference."""
        rng = self._rng
        steps: list[Step] = []
        some = contacts[: len(contacts) * 2 // 3]
        for _ in range(40):
            if rng.random() < 0.2:
                chosen = rng.sample(some, 3)
                entries = tuple((name, rng.choice((UNSET, FALSE, TRUE))) for name in chosen)
                steps.append(BatchPreferences(entries, self._uuid()))
            else:
                value = rng.choice((UNSET, FALSE, TRUE, TRUE))
                copies = rng.choice((1, 1, 2))
                steps.append(SetPreference(rng.choice(some), value, self._uuid(), copies))
        return steps

    def erasures(self) -> list[Step]:
        return [Erase(contact, self._uuid()) for contact in ERASED]

    def mailings(self) -> list[Step]:
        rng = self._rng
        steps: list[Step] = []
        for number in range(4):
            name = f"news-{number}"
            contacts = tuple(rng.sample(CONTACTS, 10))
            steps.append(Mail(name, contacts, (self._uuid(), self._uuid()), rng.choice((1, 2))))
            for _ in range(10):
                steps.append(self.record((name,), contacts))
                steps.append(self.visit((name,), contacts))
        return steps

    def policies(self) -> list[Step]:
        """In half of the runs; otherwise, contacts that never opted out stay IDENTIFIED."""
        if self._rng.random() < 0.5:
            return []
        return [Policy(mode, self._uuid()) for mode in (2, 1, 2, 1)[: self._rng.randint(1, 4)]]

    def faults(self) -> list[Fault]:
        rng = self._rng
        faults = []
        kinds = list(FaultKind)
        # Rarely everything at once, because to start all processes again takes long.
        weights = [1 if kind is FaultKind.KILL_ALL else 3 for kind in kinds]
        at = 0.3
        while at < SECONDS:
            (kind,) = rng.choices(kinds, weights)
            seconds = rng.choice((0.05, 0.3, 1.0, 2.5)) * rng.uniform(0.5, 1.0)
            target, size, shift = rng.randrange(2), rng.randrange(20_000), self._shift()
            if kind is FaultKind.SET_EDGE_CLOCK:
                # An edge that is ahead dates events in the future, which wait until that time.
                shift = -abs(shift)
            faults.append(Fault(kind, at, seconds, target, size, shift))
            at += rng.uniform(0.1, 0.9)
        return faults

    def _shift(self) -> timedelta:
        """From minutes to weeks, in either direction; weeks are as likely as minutes."""
        rng = self._rng
        minutes = rng.choice((1, -1)) * _MAX_MINUTES ** rng.uniform(0, 1)
        return timedelta(minutes=minutes)

    def _uuid(self) -> UUID:
        return UUID(int=self._rng.getrandbits(128), version=4)
