"""Who steals the database, and even the keyring, cannot tell which contact acted anonymously."""

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
from .theft import by_chance, guess, loot, numbers_of

ROUNDS = 120 if FULL else 24
CANDIDATES = 4
GROUPS = 20 if FULL else 4
GROUP = 20
LINKS = 200 if FULL else 20
UNLIKELY = 1e-4
"""What guessing achieves less often than that, was no guessing."""


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """An authority of this module's own."""
    async with a_town(tmp_path_factory.mktemp("stolen")) as town:
        yield town


def _crowd(case: str) -> list[str]:
    """Return contacts for all rounds; those of a round lie far apart."""
    return [f"{case} {number:04}" for number in range(ROUNDS * CANDIDATES)]


async def _who_acted(town: Town, mailing: Mailing, crowd: Sequence[str]) -> tuple[Score, bool]:
    """Let one of four contacts act, round for round, and a thief say which.

    Tells also whether all stayed as it was that no event may change.
    """
    random = _random(mailing.campaign_id)
    right, is_steady = 0, True
    for number in range(ROUNDS):
        group = await numbers_of(town, crowd[number::ROUNDS])
        before = await loot(town)
        acting = random.choice(sorted(group))
        await town.act(mailing, [acting])
        after = await loot(town)
        is_steady &= before.rest == after.rest
        right += guess(sorted(group.values()), before, after, random) == group[acting]
    return Score(ROUNDS, right), is_steady


def _random(what: str) -> Random:
    return Random(f"{SEED} {what}")  # noqa: S311 - to be repeatable


_CASES = ("known", "hidden", "in flight", "in flight, undecided")


@pytest.fixture(scope="module")
async def mailings(town: Town) -> dict[str, Mailing]:
    """What was sent in each case; the authority has tidied up after it."""
    sent = {}
    for case in _CASES:
        crowd = _crowd(case)
        if case in ("known", "hidden"):
            await town.choose(crowd, DoNotTrack.FALSE if case == "known" else DoNotTrack.TRUE)
        sent[case] = await town.mail(crowd, case)
        if case == "in flight, undecided":
            for choice in (DoNotTrack.TRUE, DoNotTrack.FALSE):
                for number in range(ROUNDS):
                    await town.choose(crowd[number::ROUNDS], choice)
        if case != "known":
            await town.choose(crowd, DoNotTrack.TRUE)
    await town.wait_for_vacuum()
    return sent


@pytest.fixture(scope="module")
async def identified(town: Town, mailings: dict[str, Mailing]) -> Score:
    """How often the thief is right about contacts that agreed to be tracked."""
    score, _ = await _who_acted(town, mailings["known"], _crowd("known"))
    return score


@pytest.mark.parametrize("case", _CASES[1:])
async def test_no_byte_tells_who_of_four_acted(
    town: Town, mailings: dict[str, Mailing], identified: Score, report: Report, case: str
) -> None:
    """Rows, row headers, flags, index entries and sequences before and after tell nothing."""
    score, is_steady = await _who_acted(town, mailings[case], _crowd(case))
    report(Attack(f"stolen: who of four acted, {case}", score, identified, 1 / CANDIDATES))
    assert identified.share > 0.99
    assert is_steady
    assert by_chance(score, 1 / CANDIDATES) > UNLIKELY


async def test_slots_are_in_no_order_of_contacts(town: Town, report: Report) -> None:
    """Who holds all slots and all contacts of a group cannot say whose is which.

    The control is a copy in which slots were handed out in the order of contacts.
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


async def test_a_keyring_opens_nothing_without_mails(town: Town, report: Report) -> None:
    """Who holds database and keyring needs the mail itself to say which contact acted.

    For the slot that was seen the thief makes a token of each contact, as it would
    be if it held one, and looks for it in all files.
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
    """Return the tokens that some file holds, as text or as bytes."""
    contents = [file.read_bytes() for file in town.process.folder.rglob("*") if file.is_file()]
    found: set[str] = set()
    absent: set[bytes] = set()
    for form, token in [
        *((token.encode(), token) for token in tokens),
        *((base64.urlsafe_b64decode(token), token) for token in tokens),
    ]:
        # The tokens of a campaign begin preference_groups: they are ruled out together.
        begun = form[:12] if len(form) == len(token) else form[:10]
        if begun not in absent:
            if any(begun in content for content in contents):
                found |= {token for content in contents if form in content}
            else:
                absent.add(begun)
    return found


async def test_an_old_copy_links_what_a_contact_does_later(town: Town, report: Report) -> None:
    """Documented limit: an old copy, in which a contact still has its slot, names it in a new one.

    Anonymizer keeps the slot, so that a person is counted once. Who has only a copy
    from after the opt-out, scrubbed, finds no row that names a slot.
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


async def test_a_scrub_leaves_no_order_of_opt_outs(town: Town, report: Report) -> None:
    """After a scrub no row tells after which opt-out it was that its events were folded.

    The control is a copy from before the scrub: a contact's row tells its transaction,
    and the next one is that which counts its clicks as folded.
    """
    names = [f"order {number:03}" for number in range(LINKS)]
    campaign = await _clicked(town, names, "order")
    clicked = await _links_of_rows(town, names)
    for name in _random("opt-outs").sample(names, LINKS):
        await town.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
    before = await _right_orders(town, campaign, clicked)
    town.scrub()
    after = await _right_orders(town, campaign, clicked)
    report(Attack("stolen: opt-outs and folds, scrubbed", after, before, 1 / LINKS))
    # Other work in between breaks the order here and there.
    assert before.share > 0.5
    assert by_chance(after, 1 / LINKS) > UNLIKELY


async def _right_orders(town: Town, campaign: int, clicked: dict[str, int]) -> Score:
    """Match opt-outs with folded clicks in each order that a copy has of them."""
    right = [
        clicked[name] == link
        for names in await opt_outs_in_order(town, sorted(clicked))
        for links in await clicks_in_order(town, campaign)
        for name, link in zip(names, links, strict=True)
    ]
    return Score(len(right), sum(right))


async def _clicked(town: Town, names: Sequence[str], campaign_id: str) -> int:
    """Send mail with as many links as contacts, of which each clicks another; return its number."""
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
    """Return the links that contacts clicked, as rows of `events` tell."""
    rows = await town.database.fetch(
        "select contact_id, signal from events join contacts using (tenant, contact)"
        " where contact_id = any($1)",
        list(names),
    )
    return dict(map(tuple, rows))


async def test_who_opts_out_alone_is_alone_among_the_folded(town: Town, report: Report) -> None:
    """Documented limit: what is folded hides among all that is folded in its group, no more.

    Of contacts that opt out together nobody can say which clicked which link; of
    one that opts out by itself everybody can who holds the database.
    """
    alone = together = 0
    for number in range(GROUPS):
        random = _random(f"alone {number}")
        names = [f"alone {number} {place:02}" for place in range(GROUP)]
        campaign = await _clicked(town, names, f"alone {number}")
        clicked = await _links_of_rows(town, names)
        await town.choose(names[:1], DoNotTrack.TRUE)
        alone += (await clicks_in_order(town, campaign))[0] == [clicked[names[0]]]
        await town.choose(names[1:], DoNotTrack.TRUE)
        links = set((await clicks_in_order(town, campaign))[0]) - {clicked[names[0]]}
        together += random.choice(sorted(links)) == clicked[names[1]]
    score = Score(GROUPS, together)
    report(
        Attack(
            "stolen: folded together (limit: alone)", score, Score(GROUPS, alone), 1 / (GROUP - 1)
        )
    )
    assert alone == GROUPS
    assert by_chance(score, 1 / (GROUP - 1)) > UNLIKELY
