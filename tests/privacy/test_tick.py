"""Asking before and after an act, over and over, to see it in a number that moves."""

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
_CROWD = 3 * K - 1
"""Of whom fewer than 2k acted before, nobody knows how many; the rest act one after another."""

_PUBLISHED = 1 / K
"""How often the one who acts happens to be the k-th, or would have been the first of k."""


def _is_chance(score: Score, chance: float) -> bool:
    """Tell whether guessing does as well, but for four standard deviations."""
    spread = sqrt(score.tried * chance * (1 - chance))
    return score.succeeded <= score.tried * chance + 4 * spread


class _Round:
    """A victim in a group, and the attacker's notes: how its number moved, act by act."""

    def __init__(self, mail: Mailshot, group: str, chance: random.Random) -> None:
        self._mail = mail
        self._group = group
        self.victim, *self._crowd = mail.tokens[group]
        self._acted = chance.randrange(2 * K)
        self.moves: list[int] = []
        self._before = 0

    async def gather(self) -> None:
        """Let the crowd act that did so before the attacker came."""
        await self._mail.open(self._crowd[: self._acted])
        await self.look()
        self.moves.clear()

    async def look(self) -> None:
        """Ask again."""
        now = (await self._mail.opens())[self._group]
        self.moves.append(now - self._before)
        self._before = now

    async def go_on(self, quorum: int) -> None:
        """Let a quorum more act, one after another, and ask after each."""
        for person in self._crowd[self._acted : self._acted + quorum]:
            await self._mail.open([person])
            await self.look()

    def acted(self) -> bool | None:
        """Say whether the victim acted, None if the numbers do not tell."""
        if self.moves[0]:
            return True
        # It took a whole quorum to move it, the victim not among them.
        return False if self.moves[-1] else None


async def _guess_whether(authority: RunningAuthority, quorum: int) -> Score:
    """Play: a coin tells whether the victim acts between two times of asking."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=quorum, mode_when_unset=Mode.ANONYMOUS)
        clients = await clients_of(stack, authority, policy)
        for start in range(0, _ROUNDS, _PER_CAMPAIGN):
            groups = [f"round-{number}" for number in range(start, start + _PER_CAMPAIGN)]
            mail = await mail_to(clients, groups, 1 + _CROWD)
            for group in groups:
                one = _Round(mail, group, chance)
                await one.gather()
                does_act = chance.random() < 1 / 2
                await mail.open([one.victim] * does_act)
                await one.look()
                await one.go_on(quorum)
                guess = one.acted()
                right += does_act == (chance.random() < 1 / 2 if guess is None else guess)
    return Score(_ROUNDS, right)


async def _guess_which(authority: RunningAuthority, quorum: int) -> Score:
    """Play: one of two people acts, each in a group of its own."""
    chance = random.Random(SEED + 1)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=quorum, mode_when_unset=Mode.ANONYMOUS)
        clients = await clients_of(stack, authority, policy)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["left", "right"], 1 + _CROWD)
            two = [_Round(mail, group, chance) for group in mail.tokens]
            for one in two:
                await one.gather()
            which = chance.randrange(2)
            await mail.open([two[which].victim])
            for one in two:
                await one.look()
                await one.go_on(quorum)
            left, other = (one.acted() for one in two)
            guess = left if left is not None else None if other is None else not other
            right += (which == 0) == (chance.random() < 1 / 2 if guess is None else guess)
    return Score(_ROUNDS, right)


async def test_asking_after_every_act_tells_not_whether_a_person_acted(
    authority: RunningAuthority, report: Report
) -> None:
    """Among people of unknown number, one who acts is seen no more often than to be the k-th."""
    real = await _guess_whether(authority, K)
    control = await _guess_whether(authority, 1)
    chance = 1 / 2 + _PUBLISHED / 2
    report(Attack("did the victim act?", real, control, chance))
    assert _is_chance(real, chance)
    assert control.share > 0.95


async def test_asking_after_every_act_tells_not_which_of_two_acted(
    authority: RunningAuthority, report: Report
) -> None:
    """Nor is it seen which of two acted, unless by chance one of their groups moves."""
    real = await _guess_which(authority, K)
    control = await _guess_which(authority, 1)
    chance = 1 - (1 - _PUBLISHED) ** 2 / 2
    report(Attack("which of two acted?", real, control, chance))
    assert _is_chance(real, chance)
    assert control.share > 0.95
