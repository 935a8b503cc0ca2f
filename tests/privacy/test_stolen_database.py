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
from .database_copies import by_chance, copy_database, guess, numbers_of
from .linkage import (
    clicks_in_order,
    guesses_of_slots,
    opt_outs_in_order,
    slots_of_rows,
    slots_seen,
)
from .scenario import Scenario, start_scenario

ROUNDS = 120 if FULL else 24
CANDIDATES = 4
GROUPS = 20 if FULL else 4
GROUP = 20
LINKS = 200 if FULL else 20
UNLIKELY = 1e-4
"""Significance level: a result less probable than this was not achieved by guessing."""


@pytest.fixture(scope="module")
async def scenario(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenario]:
    """An authority used by this module only."""
    async with start_scenario(tmp_path_factory.mktemp("stolen")) as scenario:
        yield scenario


def _contacts(case: str) -> list[str]:
    """Return contacts for all rounds; the contacts of one round are far apart."""
    return [f"{case} {number:04}" for number in range(ROUNDS * CANDIDATES)]


async def _guess_who_acted(
    scenario: Scenario, mailing: Mailing, contacts: Sequence[str]
) -> tuple[Score, set[str]]:
    """In each round one of four contacts acts, and the attacker guesses which.

    Returns:
        The score, and the tables and sequences that changed although events must not change them.
    """
    random = _random(mailing.campaign_id)
    right = 0
    changed: set[str] = set()
    for number in range(ROUNDS):
        group = await numbers_of(scenario, contacts[number::ROUNDS])
        before = await copy_database(scenario)
        acting = random.choice(sorted(group))
        await scenario.act(mailing, [acting])
        after = await copy_database(scenario)
        changed |= {name for name in after.rest if before.rest.get(name) != after.rest[name]}
        right += guess(sorted(group.values()), before, after, random) == group[acting]
    return Score(ROUNDS, right), changed


def _random(what: str) -> Random:
    return Random(f"{SEED} {what}")  # noqa: S311 - to be repeatable


_CASES = ("known", "hidden", "in flight", "in flight, undecided")


@pytest.fixture(scope="module")
async def mailings(scenario: Scenario) -> dict[str, Mailing]:
    """The mailing of each case, after the contact vacuum has finished."""
    sent = {}
    for case in _CASES:
        contacts = _contacts(case)
        if case in ("known", "hidden"):
            await scenario.choose(
                contacts, DoNotTrack.FALSE if case == "known" else DoNotTrack.TRUE
            )
        sent[case] = await scenario.mail(contacts, case)
        if case == "in flight, undecided":
            for choice in (DoNotTrack.TRUE, DoNotTrack.FALSE):
                for number in range(ROUNDS):
                    await scenario.choose(contacts[number::ROUNDS], choice)
        if case != "known":
            await scenario.choose(contacts, DoNotTrack.TRUE)
    # Otherwise the authority would do so a minute after the first use of a key: amid the rounds.
    await scenario.database.execute(
        "update api_keys set last_used_date = (now() at time zone 'UTC')::date"
    )
    await scenario.wait_for_vacuum()
    return sent


@pytest.fixture(scope="module")
async def identified(scenario: Scenario, mailings: dict[str, Mailing]) -> Score:
    """The attacker's score for contacts that agreed to be tracked, as the control."""
    score, _ = await _guess_who_acted(scenario, mailings["known"], _contacts("known"))
    return score


@pytest.mark.parametrize("case", _CASES[1:])
async def test_comparing_two_copies_does_not_reveal_guess_who_acted(
    scenario: Scenario, mailings: dict[str, Mailing], identified: Score, report: Report, case: str
) -> None:
    """Rows, headers, index entries and sequences do not show which of four contacts acted."""
    score, changed = await _guess_who_acted(scenario, mailings[case], _contacts(case))
    report(Attack(f"stolen: who of four acted, {case}", score, identified, 1 / CANDIDATES))
    assert identified.share > 0.99
    assert not changed
    assert by_chance(score, 1 / CANDIDATES) > UNLIKELY


async def test_slot_order_is_independent_of_contacts(scenario: Scenario, report: Report) -> None:
    """Slots of a group cannot be matched with its contacts.

    The control assigns slots in the order of contacts.
    """
    right, in_order, tried = 0, 0, 0
    for number in range(GROUPS):
        names = [f"slots {number} {place:02}" for place in range(GROUP)]
        known = [f"{name} known" for name in names]
        await scenario.choose(names[::2], DoNotTrack.TRUE)
        await scenario.choose(known, DoNotTrack.FALSE)
        await scenario.choose(names[1::2], DoNotTrack.TRUE)
        mailing = await scenario.mail([*names, *known], f"slots {number}")
        await scenario.act(mailing, [*names, *known])
        truth = {name: scenario.open_token(mailing.tokens[name]) for name in names}
        guesses = await guesses_of_slots(scenario, truth[names[0]].campaign, names)
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
    scenario: Scenario, report: Report
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
        await scenario.choose(names, DoNotTrack.TRUE)
        mailing = await scenario.mail(names, f"keyring {number}")
        opened = {name: scenario.open_token(mailing.tokens[name]) for name in names}
        acted.append(random.choice(names))
        await scenario.act(mailing, acted[-1:])
        seen = opened[acted[-1]]
        assert seen.contact == NO_CONTACT
        slots = await slots_seen(scenario, seen.campaign)
        right_with_mails += [name for name in names if opened[name].slot in slots] == acted[-1:]
        group = await numbers_of(scenario, names)
        made.append(
            {name: scenario.seal_token(seen._replace(contact=group[name])) for name in names}
        )
    found = _on_disk(scenario, [token for tokens in made for token in tokens.values()])
    guesses = [
        random.choice([name for name in tokens if tokens[name] in found] or sorted(tokens))
        for tokens in made
    ]
    score = Score(len(acted), sum(map(str.__eq__, guesses, acted)))
    control = Score(len(acted), right_with_mails)
    report(Attack("stolen: with keyring, without mails", score, control, 1 / CANDIDATES))
    assert control.share == 1
    assert by_chance(score, 1 / CANDIDATES) > UNLIKELY


def _on_disk(scenario: Scenario, tokens: Sequence[str]) -> set[str]:
    """Return the tokens that occur in a file, as text or as bytes."""
    contents = [file.read_bytes() for file in scenario.process.folder.rglob("*") if file.is_file()]
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
    scenario: Scenario, report: Report
) -> None:
    """Documented limit: a copy from before an opt-out links the contact's slot to later events.

    Anonymization keeps the slot, so that a person is counted once. In a scrubbed copy
    from after the opt-out, no row links the contact to its slot.
    """
    names = [f"old {number}" for number in range(2 * GROUP)]
    mailing = await scenario.mail(names, "old")
    await scenario.act(mailing, names)
    old = await slots_of_rows(scenario)
    await scenario.choose(names, DoNotTrack.TRUE)
    scenario.scrub()
    acting = _random("old").sample(names, GROUP)
    await scenario.act(mailing, acting, link=1)
    new = await slots_of_rows(scenario)
    opened = {name: scenario.open_token(mailing.tokens[name]) for name in acting}
    places = {name: (token.campaign, token.slot) for name, token in opened.items()}
    with_old, without = (
        Score(GROUP, sum(copy.get(places[name]) == opened[name].contact for name in acting))
        for copy in (old, new)
    )
    report(Attack("stolen: without an old copy (limit: with)", without, with_old))
    assert with_old.share == 1
    assert without.succeeded == 0


async def test_scrub_removes_the_order_of_opt_outs(scenario: Scenario, report: Report) -> None:
    """After a scrub, opt-outs cannot be matched with anonymized clicks by their order.

    The control is a copy from before the scrub: the transaction ID in a contact's row is
    followed by that of the transaction that counted its anonymized clicks.
    """
    names = [f"order {number:03}" for number in range(LINKS)]
    campaign = await _send_and_click(scenario, names, "order")
    clicked = await _links_of_rows(scenario, names)
    for name in _random("opt-outs").sample(names, LINKS):
        await scenario.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
    before = await _right_orders(scenario, campaign, clicked)
    scenario.scrub()
    after = await _right_orders(scenario, campaign, clicked)
    report(Attack("stolen: order of opt-outs, scrubbed", after, before, 1 / LINKS))
    # Concurrent work perturbs the order in some places.
    assert before.share > 0.5
    assert by_chance(after, 1 / LINKS) > UNLIKELY


async def _right_orders(scenario: Scenario, campaign: int, clicked: dict[str, int]) -> Score:
    """Match opt-outs with anonymized clicks in each order that a copy contains."""
    right = [
        clicked[name] == link
        for names in await opt_outs_in_order(scenario, sorted(clicked))
        for links in await clicks_in_order(scenario, campaign)
        for name, link in zip(names, links, strict=True)
    ]
    return Score(len(right), sum(right))


async def _send_and_click(scenario: Scenario, names: Sequence[str], campaign_id: str) -> int:
    """Send a campaign in which each contact clicks a different link; return its number."""
    sender = scenario.clients.sender.campaigns
    urls = [f"https://shop.example.com/{number}" for number in range(len(names))]
    await sender.create_campaign(campaign_id, links=urls, groups=["all"])
    issued = await sender.issue_tokens(campaign_id, "all", names)
    tokens = {token.contact_id: token.token for token in issued.tokens if token.token}
    links = _random(campaign_id).sample(range(1, len(names) + 1), len(names))
    for name, link in zip(names, links, strict=True):
        await scenario.clients.edge.tracking.record_click(tokens[name], link)
    return scenario.open_token(tokens[names[0]]).campaign


async def _links_of_rows(scenario: Scenario, names: Sequence[str]) -> dict[str, int]:
    """Return the link that each contact clicked, from the rows of `events`."""
    rows = await scenario.database.fetch(
        "select contact_id, signal from events join contacts using (tenant, contact)"
        " where contact_id = any($1)",
        list(names),
    )
    return dict(map(tuple, rows))


async def test_single_opt_out_of_a_group_is_linkable(scenario: Scenario, report: Report) -> None:
    """Documented limit: anonymized events are hidden only among those of the same group.

    If several contacts opt out together, their clicks cannot be attributed. If a single
    contact of a group opts out, a copy of the database shows which link it clicked.
    """
    alone = together = 0
    for number in range(GROUPS):
        random = _random(f"alone {number}")
        names = [f"alone {number} {place:02}" for place in range(GROUP)]
        campaign = await _send_and_click(scenario, names, f"alone {number}")
        clicked = await _links_of_rows(scenario, names)
        await scenario.choose(names[:1], DoNotTrack.TRUE)
        alone += (await clicks_in_order(scenario, campaign))[0] == [clicked[names[0]]]
        await scenario.choose(names[1:], DoNotTrack.TRUE)
        links = set((await clicks_in_order(scenario, campaign))[0]) - {clicked[names[0]]}
        together += random.choice(sorted(links)) == clicked[names[1]]
    score = Score(GROUPS, together)
    report(
        Attack(
            "stolen: opt out together (limit: alone)", score, Score(GROUPS, alone), 1 / (GROUP - 1)
        )
    )
    assert alone == GROUPS
    assert by_chance(score, 1 / (GROUP - 1)) > UNLIKELY
