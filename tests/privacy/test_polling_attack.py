"""Polling attack: request statistics before and after each event to see a count change."""

import random
from contextlib import AsyncExitStack
from math import sqrt

from hushpost_client import Mode, PolicyUpdate
from tests.conftest import RunningAuthority
from tests.mailing import clients_of

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .mailshot import Mailshot, mail_to

K = 10
_ROUNDS = 120 if FULL else 12
_PER_CAMPAIGN = 6
_OTHERS = 3 * K - 1
"""Other people: an unknown number below 2k acts first, then the rest one by one."""

_PUBLISHED = 1 / K
"""Probability that the victim's event completes a quorum, or would have started one."""


def _is_chance(score: Score, chance: float) -> bool:
    """Return whether the score is within four standard deviations of guessing."""
    spread = sqrt(score.tried * chance * (1 - chance))
    return score.succeeded <= score.tried * chance + 4 * spread


class _Round:
    """A victim in a group, and the changes of the group's count that the attacker observed."""

    def __init__(self, mail: Mailshot, group: str, chance: random.Random) -> None:
        self._mail = mail
        self._group = group
        self.victim, *self._others = mail.tokens[group]
        self._acted = chance.randrange(2 * K)
        self.moves: list[int] = []
        self._before = 0

    async def record_earlier_events(self) -> None:
        """Record the events that precede the attack."""
        await self._mail.open(self._others[: self._acted])
        await self.poll()
        self.moves.clear()

    async def poll(self) -> None:
        """Request the statistics and note the change."""
        now = (await self._mail.opens())[self._group]
        self.moves.append(now - self._before)
        self._before = now

    async def record_quorum(self, quorum: int) -> None:
        """Record `quorum` more events one by one, and request the statistics after each."""
        for person in self._others[self._acted : self._acted + quorum]:
            await self._mail.open([person])
            await self.poll()

    def acted(self) -> bool | None:
        """Return whether the victim acted, or None if the counts do not show it."""
        if self.moves[0]:
            return True
        # A whole quorum without the victim was needed to change the count.
        return False if self.moves[-1] else None


async def _guess_whether(authority: RunningAuthority, quorum: int) -> Score:
    """Guess whether the victim acted between two requests."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=quorum, mode_when_unset=Mode.ANONYMOUS)
        clients = await clients_of(stack, authority, policy)
        for start in range(0, _ROUNDS, _PER_CAMPAIGN):
            groups = [f"round-{number}" for number in range(start, start + _PER_CAMPAIGN)]
            mail = await mail_to(clients, groups, 1 + _OTHERS)
            for group in groups:
                one = _Round(mail, group, chance)
                await one.record_earlier_events()
                does_act = chance.random() < 1 / 2
                await mail.open([one.victim] * does_act)
                await one.poll()
                await one.record_quorum(quorum)
                guess = one.acted()
                right += does_act == (chance.random() < 1 / 2 if guess is None else guess)
    return Score(_ROUNDS, right)


async def _guess_which(authority: RunningAuthority, quorum: int) -> Score:
    """Guess which of two people, each in a separate group, acted."""
    chance = random.Random(SEED + 1)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=quorum, mode_when_unset=Mode.ANONYMOUS)
        clients = await clients_of(stack, authority, policy)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["left", "right"], 1 + _OTHERS)
            two = [_Round(mail, group, chance) for group in mail.tokens]
            for one in two:
                await one.record_earlier_events()
            which = chance.randrange(2)
            await mail.open([two[which].victim])
            for one in two:
                await one.poll()
                await one.record_quorum(quorum)
            left, other = (one.acted() for one in two)
            guess = left if left is not None else None if other is None else not other
            right += (which == 0) == (chance.random() < 1 / 2 if guess is None else guess)
    return Score(_ROUNDS, right)


async def test_polling_does_not_reveal_whether_a_person_acted(
    authority: RunningAuthority, report: Report
) -> None:
    """A person's event is visible only if that person happens to complete or start a quorum."""
    real = await _guess_whether(authority, K)
    control = await _guess_whether(authority, 1)
    chance = 1 / 2 + _PUBLISHED / 2
    report(Attack("did the victim act?", real, control, chance))
    assert _is_chance(real, chance)
    assert control.share > 0.95


async def test_polling_does_not_reveal_which_of_two_people_acted(
    authority: RunningAuthority, report: Report
) -> None:
    """Which of two people acted is visible only if a group's count happens to change."""
    real = await _guess_which(authority, K)
    control = await _guess_which(authority, 1)
    chance = 1 - (1 - _PUBLISHED) ** 2 / 2
    report(Attack("which of two acted?", real, control, chance))
    assert _is_chance(real, chance)
    assert control.share > 0.95
