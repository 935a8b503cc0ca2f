"""Slot order: database and keyring do not tell when a slot was issued, nor to whom.

The attacker knows which contacts were issued to first, from the WAL for example. Each
recipient clicks a link of their own, so the database shows one slot per link. From the slot
the attacker guesses whether its recipient was in the first half of the mailing.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from hushpost_client import DoNotTrack, Event, Hushpost, NewGroup, Role, Verdict
from hushpost_service.admin.secret import wrapping_secret
from hushpost_service.tokens.codec import NO_CONTACT, TrackingToken
from hushpost_service.tokens.issue_keys import issue_key_digest, unwrapped
from hushpost_service.tokens.keyring import Keyring
from hushpost_service.tokens.slot_permutation import DEFAULT_EXPECTED, MAX_SLOTS, permuted_slots

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .database_copies import by_chance
from .linkage import slots_of_links
from .scenario import Scenario, start_scenario

CAMPAIGNS = 120 if FULL else 12

HALF = 10
KEY_BYTES = 32
GROUP = "readers"
URLS = [f"https://shop.example.com/{number}" for number in range(2 * HALF)]
UNLIKELY = 1e-4
"""Significance level, divided by the number of strategies."""


@dataclass(frozen=True)
class Clicked:
    """A campaign in which every recipient clicked a link of their own.

    Attributes:
        number: The number of the campaign.
        expected: The declared size of its group.
        slots: The slot that clicked each link, from the database.
        is_first: Whether the recipient who clicked each link was issued to in the first half.
    """

    number: int
    expected: int
    slots: Sequence[int]
    is_first: Sequence[bool]


Strategy = Callable[[Clicked], Sequence[bool]]
"""Guesses for each slot of a campaign whether it was issued in the first half."""


@pytest.fixture(scope="module")
async def scenario(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenario]:
    """An authority used by this module only."""
    async with start_scenario(tmp_path_factory.mktemp("slot-order")) as scenario:
        yield scenario


@pytest.fixture(scope="module")
async def secret(scenario: Scenario) -> str:
    """The secret of the API key that sends the campaigns."""
    created = await scenario.clients.installation.admin.create_api_key(
        Role.SENDER, tenant_id=scenario.clients.tenant_id
    )
    assert created.secret
    return created.secret


@pytest.fixture(scope="module")
async def clicked(scenario: Scenario, secret: str) -> list[Clicked]:
    """Campaigns whose halves were issued before and after a crash of the authority."""
    names = [f"campaign {number}" for number in range(CAMPAIGNS)]
    contacts = {name: [f"{name} {number:02}" for number in range(2 * HALF)] for name in names}
    await scenario.choose(
        [contact for each in contacts.values() for contact in each], DoNotTrack.TRUE
    )
    async with Hushpost.connect(scenario.process.target, api_key=secret, tls=False) as sender:
        for number, name in enumerate(names):
            groups = [NewGroup(GROUP, expected_messages=_expected(number))]
            await sender.campaigns.create_campaign(name, links=URLS, groups=groups)
        tokens = {name: await _issue(sender, name, contacts[name][:HALF]) for name in names}
        scenario.process.kill()
        scenario.process.start()
        await scenario.reconnect()
        for name in names:
            tokens[name] += await _issue(sender, name, contacts[name][HALF:])
    return [
        await _click(scenario, tokens[name], name, _expected(number))
        for number, name in enumerate(names)
    ]


def _expected(number: int) -> int:
    """Return the declared size of a campaign's group; some are much too large."""
    return (DEFAULT_EXPECTED, 1_000_000, MAX_SLOTS)[number % 3]


async def _issue(sender: Hushpost, campaign: str, contacts: Sequence[str]) -> list[str]:
    issued = await sender.campaigns.issue_tokens(campaign, GROUP, contacts)
    return [token.token for token in issued.tokens if token.token]


async def _click(
    scenario: Scenario, tokens: Sequence[str], what: str, expected: int = DEFAULT_EXPECTED
) -> Clicked:
    """Click a link with each token, in random order."""
    assert len(set(tokens)) == 2 * HALF
    random = Random(f"{SEED} {what}")  # noqa: S311 - to be repeatable
    clickers = random.sample(range(2 * HALF), 2 * HALF)
    events = [
        Event(tokens[clicker], link_number=link, verdict=Verdict.HUMAN)
        for link, clicker in enumerate(clickers, 1)
    ]
    recorded = await scenario.clients.edge.tracking.record_events(events)
    assert not recorded.rejected
    number = scenario.open_token(tokens[0]).campaign
    slots = await slots_of_links(scenario, number)
    return Clicked(number, expected, slots, [clicker < HALF for clicker in clickers])


async def _control(
    scenario: Scenario, slots_of: Callable[[int], Sequence[int]], what: str
) -> Clicked:
    """Return a campaign whose slots are a function of its number.

    The tokens are sealed with the keyring.
    """
    sender = scenario.clients.sender
    await sender.campaigns.create_campaign(what, links=URLS, groups=[GROUP])
    (issued,) = await _issue(sender, what, ["of the control"])
    sample = scenario.open_token(issued)
    tokens = [
        scenario.seal_token(TrackingToken(sample.campaign, NO_CONTACT, sample.group, slot))
        for slot in slots_of(sample.campaign)
    ]
    return await _click(scenario, tokens, what)


def _lowest_first(campaign: Clicked) -> list[bool]:
    """Guess that slots were issued in ascending order."""
    limit = sorted(campaign.slots)[HALF]
    return [slot < limit for slot in campaign.slots]


def _within_chunks(campaign: Clicked) -> list[bool]:
    """Guess that the order within a block of 4,096 slots is the order of issue."""
    places = [slot % 4096 for slot in campaign.slots]
    limit = sorted(places)[HALF]
    return [place < limit for place in places]


def _permuted(key: bytes, campaign: int, expected: int) -> list[int]:
    slots: list[int] = permuted_slots(key, campaign, 1, expected, np.arange(2 * HALF)).tolist()
    return slots


def _explained(key: bytes, campaigns: Sequence[Clicked]) -> Score:
    """Return how many slots are those that a key gives to the messages."""
    explained = [
        len({*campaign.slots} & {*_permuted(key, campaign.number, campaign.expected)})
        for campaign in campaigns
    ]
    return Score(2 * HALF * len(campaigns), sum(explained))


def _score(strategy: Strategy, campaigns: Sequence[Clicked]) -> Score:
    right = [
        guess == truth
        for campaign in campaigns
        for guess, truth in zip(strategy(campaign), campaign.is_first, strict=True)
    ]
    return Score(len(right), sum(right))


def _assert_chance(score: Score, strategies: int) -> None:
    """Fail if guesses are right, or wrong, more often than chance explains."""
    wrong = Score(score.tried, score.tried - score.succeeded)
    assert by_chance(score, 1 / 2) > UNLIKELY / strategies
    assert by_chance(wrong, 1 / 2) > UNLIKELY / strategies


@pytest.mark.parametrize("strategy", [_lowest_first, _within_chunks])
async def test_slots_do_not_tell_the_order_of_issue(
    scenario: Scenario, clicked: list[Clicked], report: Report, strategy: Strategy
) -> None:
    """A crash between two halves of a mailing does not separate their slots.

    The control assigns slots in the order of issue.
    """
    name = strategy.__name__.strip("_").replace("_", " ")
    control = await _control(scenario, lambda _: range(2 * HALF), f"control, {name}")
    score, of_control = _score(strategy, clicked), _score(strategy, [control])
    report(Attack(f"slot order: {name}", score, of_control, 1 / 2))
    assert of_control.share == 1
    _assert_chance(score, 2)


async def test_no_stored_secret_computes_the_slots(
    scenario: Scenario, clicked: list[Clicked], report: Report
) -> None:
    """Neither a secret of the keyring nor a value in the database is the permutation's key.

    The control permutes with one of these values.
    """
    keys = await _stored_values(scenario)
    control = await _control(
        scenario, lambda number: _permuted(keys[0], number, DEFAULT_EXPECTED), "control, keys"
    )
    scores = [_explained(key, clicked) for key in keys]
    total = Score(sum(score.tried for score in scores), sum(score.succeeded for score in scores))
    of_control = _explained(keys[0], [control])
    # More than by chance, because some groups have more slots.
    chance = 2 * HALF / DEFAULT_EXPECTED
    report(Attack("slot order: with stored keys", total, of_control, chance))
    assert of_control.share == 1
    assert all(by_chance(score, chance) > UNLIKELY / len(scores) for score in scores)


async def test_no_stored_secret_decrypts_an_issue_key(
    scenario: Scenario, secret: str, clicked: list[Clicked], report: Report
) -> None:
    """Nothing that is stored decrypts an issue key. The control is the API key's secret."""
    stored = await _stored_values(scenario)
    keys = await scenario.database.fetch(
        "select campaign, wrapped_key, issue_key_digest"
        " from issue_keys join campaigns using (tenant, campaign) where campaign = any($1)",
        [campaign.number for campaign in clicked],
    )
    assert len(keys) == len(clicked)
    opened = [
        _opens(value, campaign, wrapped_key, digest)
        for campaign, wrapped_key, digest in keys
        for value in stored
    ]
    of_api_key = wrapping_secret(secret)
    control = [
        _opens(of_api_key, campaign, wrapped_key, digest) for campaign, wrapped_key, digest in keys
    ]
    report(
        Attack(
            "slot order: decrypt issue keys",
            Score(len(opened), sum(opened)),
            Score(len(control), sum(control)),
        )
    )
    assert all(control)
    assert not any(opened)


def _opens(secret: bytes, campaign: int, wrapped_key: bytes, digest: bytes) -> bool:
    try:
        return issue_key_digest(unwrapped(wrapped_key, secret, campaign)) == digest
    except InvalidUnwrap:
        return False


async def _stored_values(scenario: Scenario) -> list[bytes]:
    """Return the secrets of the keyring, and the stored values that are as long as a key."""
    keyring = Keyring.load(scenario.process.data_dir / "keyring.json")
    values = [*keyring.secrets.values()]
    columns = await scenario.database.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'bytea'"
    )
    for table, column in columns:
        rows = await scenario.database.fetch(
            f"select distinct {column} from {table} where length({column}) >= {KEY_BYTES} limit 50"  # noqa: S608 - names of ours
        )
        values += [value[:KEY_BYTES] for (value,) in rows]
    return sorted(set(values))
