"""Stolen database: copies of it, even with the keyring, do not reveal who acted anonymously."""

import base64
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from hushpost_client import DoNotTrack
from hushpost_service.tokens.codec import NO_CONTACT
from tests.mailing import Mailing

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .crowd import Town, a_town
from .linking import (
    clicks_in_order,
    guesses_of_slots,
    opt_outs_in_order,
    slots_of_rows,
    slots_seen,
)
from .theft import by_chance, copy_database, guess, numbers_of

ROUNDS = 120 if FULL else 24
CANDIDATES = 4
GROUPS = 20 if FULL else 4
GROUP = 20
LINKS = 200 if FULL else 20
UNLIKELY = 1e-4
"""Significance level: a result less probable than this was not achieved by guessing."""


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """An authority used by this module only."""
    async with a_town(tmp_path_factory.mktemp("stolen")) as town:
        yield town


def _contacts(case: str) -> list[str]:
    """Return contacts for all rounds; the contacts of one round are far apart."""
    return [f"{case} {number:04}" for number in range(ROUNDS * CANDIDATES)]


async def _guess_who_acted(
    town: Town, mailing: Mailing, contacts: Sequence[str]
) -> tuple[Score, bool]:
    """In each round one of four contacts acts, and the attacker guesses which.

    Returns:
        The score, and whether everything that events must not change was unchanged.
    """
    random = _random(mailing.campaign_id)
    right, is_steady = 0, True
    for number in range(ROUNDS):
        group = await numbers_of(town, contacts[number::ROUNDS])
        before = await copy_database(town)
        acting = random.choice(sorted(group))
        await town.act(mailing, [acting])
        after = await copy_database(town)
        is_steady &= before.rest == after.rest
        right += guess(sorted(group.values()), before, after, random) == group[acting]
    return Score(ROUNDS, right), is_steady


def _random(what: str) -> Random:
    return Random(f"{SEED} {what}")  # noqa: S311 - to be repeatable


_CASES = ("known", "hidden", "in flight", "in flight, undecided")


@pytest.fixture(scope="module")
async def mailings(town: Town) -> dict[str, Mailing]:
    """The mailing of each case, after the contact vacuum has finished."""
    sent = {}
    for case in _CASES:
        contacts = _contacts(case)
        if case in ("known", "hidden"):
            await town.choose(contacts, DoNotTrack.FALSE if case == "known" else DoNotTrack.TRUE)
        sent[case] = await town.mail(contacts, case)
        if case == "in flight, undecided":
            for choice in (DoNotTrack.TRUE, DoNotTrack.FALSE):
                for number in range(ROUNDS):
                    await town.choose(contacts[number::ROUNDS], choice)
        if case != "known":
            await town.choose(contacts, DoNotTrack.TRUE)
    await town.wait_for_vacuum()
    return sent


@pytest.fixture(scope="module")
async def identified(town: Town, mailings: dict[str, Mailing]) -> Score:
    """The attacker's score for contacts that agreed to be tracked, as the control."""
    score, _ = await _guess_who_acted(town, mailings["known"], _contacts("known"))
    return score


@pytest.mark.parametrize("case", _CASES[1:])
async def test_comparing_two_copies_does_not_reveal_guess_who_acted(
    town: Town, mailings: dict[str, Mailing], identified: Score, report: Report, case: str
) -> None:
    """Rows, headers, index entries and sequences do not show which of four contacts acted."""
    score, is_steady = await _guess_who_acted(town, mailings[case], _contacts(case))
    report(Attack(f"stolen: who of four acted, {case}", score, identified, 1 / CANDIDATES))
    assert identified.share > 0.99
    assert is_steady
    assert by_chance(score, 1 / CANDIDATES) > UNLIKELY


async def test_slot_order_is_independent_of_contacts(town: Town, report: Report) -> None:
    """Slots of a group cannot be matched with its contacts.

    The control assigns slots in the order of contacts.
    """
    right, in_order, tried = 0, 0, 0
    for number in range(GROUPS):
        names = [f"slots {number} {place:02}" for place in range(GROUP)]
        known = [f"{name} known" for name in names]
        await town.choose(names[::2], DoNotTrack.TRUE)
        await town.choose(known, DoNotTrack.FALSE)
        await town.choose(names[1::2], DoNotTrack.TRUE)
        mailing = await town.mail([*names, *known], f"slots {number}")
        await town.act(mailing, [*names, *known])
        truth = {name: town.open_token(mailing.tokens[name]) for name in names}
        guesses = await guesses_of_slots(town, truth[names[0]].campaign, names)
        tried += len(guesses) * GROUP
        right += sum(truth[name].slot == slot for guess in guesses for name, slot in guess.items())
        order = sorted(truth.values(), key=lambda opened: opened.slot)
        imported = [*names[::2], *names[1::2]]
        in_order += sum(
            guesses[0][name] == opened.slot for name, opened in zip(imported, order, strict=True)
        )
    score = Score(tried, right)
    control = Score(GROUPS * GROUP, in_order)
    report(Attack("stolen: which slot is whose", score, control, 1 / GROUP))
    assert control.share == 1
    assert by_chance(score, 1 / GROUP) > UNLIKELY


async def test_keyring_without_mails_does_not_reveal_guess_who_acted(
    town: Town, report: Report
) -> None:
    """With database and keyring, an attacker still needs the mail to identify a contact.

    The attacker seals a token of each contact for the slot that acted, and searches all
    files for it.
    """
    random = _random("keyring")
    made: list[dict[str, str]] = []
    acted: list[str] = []
    right_with_mails = 0
    for number in range(GROUPS * 4):
        names = [f"keyring {number} {place}" for place in range(CANDIDATES)]
        await town.choose(names, DoNotTrack.TRUE)
        mailing = await town.mail(names, f"keyring {number}")
        opened = {name: town.open_token(mailing.tokens[name]) for name in names}
        acted.append(random.choice(names))
        await town.act(mailing, acted[-1:])
        seen = opened[acted[-1]]
        assert seen.contact == NO_CONTACT
        slots = await slots_seen(town, seen.campaign)
        right_with_mails += [name for name in names if opened[name].slot in slots] == acted[-1:]
        group = await numbers_of(town, names)
        made.append({name: town.seal_token(seen._replace(contact=group[name])) for name in names})
    found = _on_disk(town, [token for tokens in made for token in tokens.values()])
    guesses = [
        random.choice([name for name in tokens if tokens[name] in found] or sorted(tokens))
        for tokens in made
    ]
    score = Score(len(acted), sum(map(str.__eq__, guesses, acted)))
    control = Score(len(acted), right_with_mails)
    report(Attack("stolen: with keyring, without mails", score, control, 1 / CANDIDATES))
    assert control.share == 1
    assert by_chance(score, 1 / CANDIDATES) > UNLIKELY


def _on_disk(town: Town, tokens: Sequence[str]) -> set[str]:
    """Return the tokens that occur in a file, as text or as bytes."""
    contents = [file.read_bytes() for file in town.process.folder.rglob("*") if file.is_file()]
    found: set[str] = set()
    absent: set[bytes] = set()
    for form, token in [
        *((token.encode(), token) for token in tokens),
        *((base64.urlsafe_b64decode(token), token) for token in tokens),
    ]:
        # The tokens of a campaign share a prefix, so one search can exclude all of them.
        prefix = form[:12] if len(form) == len(token) else form[:10]
        if prefix not in absent:
            if any(prefix in content for content in contents):
                found |= {token for content in contents if form in content}
            else:
                absent.add(prefix)
    return found


async def test_copy_from_before_the_opt_out_identifies_later_events(
    town: Town, report: Report
) -> None:
    """Documented limit: a copy from before an opt-out links the contact's slot to later events.

    Anonymization keeps the slot, so that a person is counted once. In a scrubbed copy
    from after the opt-out, no row links the contact to its slot.
    """
    names = [f"old {number}" for number in range(2 * GROUP)]
    mailing = await town.mail(names, "old")
    await town.act(mailing, names)
    old = await slots_of_rows(town)
    await town.choose(names, DoNotTrack.TRUE)
    town.scrub()
    acting = _random("old").sample(names, GROUP)
    await town.act(mailing, acting, link=1)
    new = await slots_of_rows(town)
    opened = {name: town.open_token(mailing.tokens[name]) for name in acting}
    places = {name: (token.campaign, token.slot) for name, token in opened.items()}
    with_old, without = (
        Score(GROUP, sum(copy.get(places[name]) == opened[name].contact for name in acting))
        for copy in (old, new)
    )
    report(Attack("stolen: without an old copy (limit: with)", without, with_old))
    assert with_old.share == 1
    assert without.succeeded == 0


async def test_scrub_removes_the_order_of_opt_outs(town: Town, report: Report) -> None:
    """After a scrub, opt-outs cannot be matched with anonymized clicks by their order.

    The control is a copy from before the scrub: the transaction ID in a contact's row is
    followed by that of the transaction that counted its anonymized clicks.
    """
    names = [f"order {number:03}" for number in range(LINKS)]
    campaign = await _send_and_click(town, names, "order")
    clicked = await _links_of_rows(town, names)
    for name in _random("opt-outs").sample(names, LINKS):
        await town.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
    before = await _right_orders(town, campaign, clicked)
    town.scrub()
    after = await _right_orders(town, campaign, clicked)
    report(Attack("stolen: order of opt-outs, scrubbed", after, before, 1 / LINKS))
    # Concurrent work perturbs the order in some places.
    assert before.share > 0.5
    assert by_chance(after, 1 / LINKS) > UNLIKELY


async def _right_orders(town: Town, campaign: int, clicked: dict[str, int]) -> Score:
    """Match opt-outs with anonymized clicks in each order that a copy contains."""
    right = [
        clicked[name] == link
        for names in await opt_outs_in_order(town, sorted(clicked))
        for links in await clicks_in_order(town, campaign)
        for name, link in zip(names, links, strict=True)
    ]
    return Score(len(right), sum(right))


async def _send_and_click(town: Town, names: Sequence[str], campaign_id: str) -> int:
    """Send a campaign in which each contact clicks a different link; return its number."""
    sender = town.clients.sender.campaigns
    urls = [f"https://shop.example.com/{number}" for number in range(len(names))]
    await sender.create_campaign(campaign_id, links=urls, groups=["all"])
    issued = await sender.issue_tokens(campaign_id, "all", names)
    tokens = {token.contact_id: token.token for token in issued.tokens if token.token}
    links = _random(campaign_id).sample(range(1, len(names) + 1), len(names))
    for name, link in zip(names, links, strict=True):
        await town.clients.edge.tracking.record_click(tokens[name], link)
    return town.open_token(tokens[names[0]]).campaign


async def _links_of_rows(town: Town, names: Sequence[str]) -> dict[str, int]:
    """Return the link that each contact clicked, from the rows of `events`."""
    rows = await town.database.fetch(
        "select contact_id, signal from events join contacts using (tenant, contact)"
        " where contact_id = any($1)",
        list(names),
    )
    return dict(map(tuple, rows))


async def test_single_opt_out_of_a_group_is_linkable(town: Town, report: Report) -> None:
    """Documented limit: anonymized events are hidden only among those of the same group.

    If several contacts opt out together, their clicks cannot be attributed. If a single
    contact of a group opts out, a copy of the database shows which link it clicked.
    """
    alone = together = 0
    for number in range(GROUPS):
        random = _random(f"alone {number}")
        names = [f"alone {number} {place:02}" for place in range(GROUP)]
        campaign = await _send_and_click(town, names, f"alone {number}")
        clicked = await _links_of_rows(town, names)
        await town.choose(names[:1], DoNotTrack.TRUE)
        alone += (await clicks_in_order(town, campaign))[0] == [clicked[names[0]]]
        await town.choose(names[1:], DoNotTrack.TRUE)
        links = set((await clicks_in_order(town, campaign))[0]) - {clicked[names[0]]}
        together += random.choice(sorted(links)) == clicked[names[1]]
    score = Score(GROUPS, together)
    report(
        Attack(
            "stolen: opt out together (limit: alone)", score, Score(GROUPS, alone), 1 / (GROUP - 1)
        )
    )
    assert alone == GROUPS
    assert by_chance(score, 1 / (GROUP - 1)) > UNLIKELY
