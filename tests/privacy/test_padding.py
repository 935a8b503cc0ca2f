"""A sender who controls so many addresses of a group that the next person is the k-th."""

import random
from contextlib import AsyncExitStack

from hushpost_client import DoNotTrack, Mode, PolicyUpdate
from tests.conftest import Clients, RunningAuthority
from tests.mailing import clients_of

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .mailshot import mail_to

K = 10
_ROUNDS = 40 if FULL else 8


async def _clients(
    stack: AsyncExitStack, authority: RunningAuthority, quorum: int, mode: Mode
) -> Clients:
    return await clients_of(stack, authority, PolicyUpdate(quorum=quorum, mode_when_unset=mode))


async def _whether(authority: RunningAuthority, quorum: int, mode: Mode) -> Score:
    """Play: the only one whom the sender does not control acts, or does not."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        clients = await _clients(stack, authority, quorum, mode)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["all"], K)
            victim, *own = mail.tokens["all"]
            await mail.open(own)
            before = await mail.opens()
            does_act = chance.random() < 1 / 2
            await mail.open([victim] * does_act)
            right += does_act == (await mail.opens() != before)
    return Score(_ROUNDS, right)


async def _who(authority: RunningAuthority, own: int, others: int, mode: Mode) -> Score:
    """Play: one of the others acts; a sender who sees that guesses who."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        clients = await _clients(stack, authority, K, mode)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["all"], own + others)
            tokens = mail.tokens["all"]
            # Where nobody can tell people apart, one address will do.
            await mail.open([tokens[number % own] for number in range(K - 1)])
            before = await mail.opens()
            who = chance.choice(range(own, own + others))
            await mail.open([tokens[who]])
            assert await mail.opens() != before
            right += chance.randrange(own, own + others) == who
    return Score(_ROUNDS, right)


async def test_padding_shows_the_one_person_left(
    authority: RunningAuthority, report: Report
) -> None:
    """With k-1 addresses of one's own the only other person is seen to act, in both modes."""
    for mode in (Mode.ANONYMOUS, Mode.AGGREGATE):
        real = await _whether(authority, K, mode)
        control = await _whether(authority, 1, mode)
        report(Attack(f"padding, {mode.lower()} (documented limit)", real, control, 1 / 2))
        assert real.share == control.share == 1


async def test_padding_shows_that_one_of_many_acted_but_not_who(
    authority: RunningAuthority, report: Report
) -> None:
    """Where there are n others, each number that moves is one of n."""
    others = 2 * K
    control = await _who(authority, K - 1, 1, Mode.ANONYMOUS)
    for mode, own in ((Mode.ANONYMOUS, K - 1), (Mode.AGGREGATE, 1)):
        real = await _who(authority, own, others, mode)
        report(Attack(f"padding among {others}, {mode.lower()}", real, control, 1 / others))
        assert real.share < 1 / 2
    assert control.share == 1


async def _alone_among_known(authority: RunningAuthority, quorum: int) -> Score:
    """Play: of a group only one is not known by name, and opens k times, or nobody does."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=quorum, mode_when_true=Mode.AGGREGATE)
        clients = await clients_of(stack, authority, policy)
        await clients.sender.preferences.set_preference("victim", DoNotTrack.TRUE)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["all"], K - 1)
            issued = await clients.sender.campaigns.issue_tokens(
                mail.campaign_id, "all", ["victim"]
            )
            does_act = chance.random() < 1 / 2
            assert issued.tokens[0].token
            await mail.open([issued.tokens[0].token] * K * does_act)
            right += does_act == any((await mail.opens()).values())
    return Score(_ROUNDS, right)


async def test_those_known_by_name_hide_nobody(authority: RunningAuthority, report: Report) -> None:
    """One person's k events are not told where all others of the group are known anyway."""
    real = await _alone_among_known(authority, K)
    control = await _alone_among_known(authority, 1)
    report(Attack("one aggregate person among known ones", real, control, 1 / 2))
    assert control.share == 1
    assert real.share < 1
