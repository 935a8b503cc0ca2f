"""Padding attack: a sender controls k-1 addresses, so that the next person is the k-th."""

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


async def _guess_whether_one_acted(authority: RunningAuthority, quorum: int, mode: Mode) -> Score:
    """Guess whether the only person not controlled by the sender acted."""
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


async def _guess_who_acted(authority: RunningAuthority, own: int, others: int, mode: Mode) -> Score:
    """Guess which of the people not controlled by the sender acted."""
    chance = random.Random(SEED)  # noqa: S311 - no secret, and repeatable
    right = 0
    async with AsyncExitStack() as stack:
        clients = await _clients(stack, authority, K, mode)
        for _ in range(_ROUNDS):
            mail = await mail_to(clients, ["all"], own + others)
            tokens = mail.tokens["all"]
            # In aggregate mode, events of one address count like those of several.
            await mail.open([tokens[number % own] for number in range(K - 1)])
            before = await mail.opens()
            who = chance.choice(range(own, own + others))
            await mail.open([tokens[who]])
            assert await mail.opens() != before
            right += chance.randrange(own, own + others) == who
    return Score(_ROUNDS, right)


async def test_padding_reveals_the_only_other_person(
    authority: RunningAuthority, report: Report
) -> None:
    """Documented limit: a sender with k-1 addresses sees whether the only other person acts."""
    for mode in (Mode.ANONYMOUS, Mode.AGGREGATE):
        real = await _guess_whether_one_acted(authority, K, mode)
        control = await _guess_whether_one_acted(authority, 1, mode)
        report(Attack(f"padding, {mode.lower()} (documented limit)", real, control, 1 / 2))
        assert real.share == control.share == 1


async def test_padding_does_not_reveal_which_of_many_people_acted(
    authority: RunningAuthority, report: Report
) -> None:
    """With n other people, a changed count shows that one of them acted, but not which."""
    others = 2 * K
    control = await _guess_who_acted(authority, K - 1, 1, Mode.ANONYMOUS)
    for mode, own in ((Mode.ANONYMOUS, K - 1), (Mode.AGGREGATE, 1)):
        real = await _guess_who_acted(authority, own, others, mode)
        report(Attack(f"padding among {others}, {mode.lower()}", real, control, 1 / others))
        assert real.share < 1 / 2
    assert control.share == 1


async def _guess_whether_aggregate_person_acted(authority: RunningAuthority, quorum: int) -> Score:
    """Guess whether the only aggregate-mode person of a group, the others identified, opened."""
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


async def test_identified_people_do_not_count_towards_an_aggregate_quorum(
    authority: RunningAuthority, report: Report
) -> None:
    """The k events of one aggregate-mode person are not published if all others are identified."""
    real = await _guess_whether_aggregate_person_acted(authority, K)
    control = await _guess_whether_aggregate_person_acted(authority, 1)
    report(Attack("one aggregate person among identified", real, control, 1 / 2))
    assert control.share == 1
    assert real.share < 1
