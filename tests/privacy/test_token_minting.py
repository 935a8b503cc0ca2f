"""Token minting: no sequence of calls makes one person count as several.

The attacker is the sender. It issues tokens to one contact as often as it can, uses them all,
and tries to have them counted as several people.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from hushpost_client import (
    Consent,
    DoNotTrack,
    ErrorReason,
    Event,
    FailedPreconditionError,
    IssuedToken,
    PreferenceEntry,
    Verdict,
)
from hushpost_service.tokens.codec import NO_SLOT
from tests.mailing import URLS, exact_count

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .scenario import Scenario, start_scenario

GROUPS = ("readers", "others", "third")
TIMES = 10
"""Tokens that the attacker requests for a contact in each way."""

SEQUENCES = 20 if FULL else 4
CALLS = 30
PEOPLE = 6


@pytest.fixture(scope="module")
async def scenario(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenario]:
    """An authority used by this module only."""
    async with start_scenario(tmp_path_factory.mktemp("minting")) as scenario:
        yield scenario


class Minting:
    """A campaign whose sender collects tokens."""

    def __init__(self, scenario: Scenario, campaign_id: str) -> None:
        self._scenario = scenario
        self._campaigns = scenario.clients.sender.campaigns
        self.campaign_id = campaign_id
        self.tokens: list[IssuedToken] = []

    async def create(self) -> None:
        """Create the campaign."""
        await self._campaigns.create_campaign(self.campaign_id, links=URLS, groups=GROUPS)

    async def issue(
        self, contacts: Sequence[str], *, group: str = GROUPS[0], request: uuid.UUID | None = None
    ) -> Sequence[IssuedToken]:
        """Issue tokens, under a new request id by default, and collect them."""
        issued = await self._campaigns.issue_tokens(
            self.campaign_id, group, contacts, request_id=request or uuid.uuid4()
        )
        self.tokens += issued.tokens
        return issued.tokens

    async def close(self) -> None:
        """Close the campaign."""
        await self._campaigns.close_campaign(self.campaign_id)

    def slots(self) -> tuple[int, int]:
        """Return with how many slots for opens, and for clicks, tokens were issued."""
        opens, clicks = (
            {
                (opened.group, opened.slot)
                for opened in (self._scenario.open_token(token) for token in tokens if token)
                if opened.slot != NO_SLOT
            }
            for tokens in (
                [token.token for token in self.tokens],
                [token.click_token for token in self.tokens],
            )
        )
        return len(opens), len(clicks)

    async def counted(self) -> tuple[int, int]:
        """Open and click with all tokens; return how many openers and clickers that counts as."""
        clients = self._scenario.clients
        tokens = {
            token for each in self.tokens for token in (each.token, each.click_token) if token
        }
        events = [
            Event(token, link_number=link, verdict=Verdict.HUMAN)
            for token in tokens
            for link in (None, 1, 2)
        ]
        recorded = await clients.edge.tracking.record_events(events)
        assert not recorded.rejected
        stats = await clients.reporter.stats.get_campaign_stats(self.campaign_id)
        openers, clickers = (
            exact_count(signal.human.anonymous).unique + signal.human.identified.unique
            for signal in (stats.opens, stats.clicks)
        )
        return openers, clickers


async def _decide(
    scenario: Scenario, contacts: Sequence[str], choice: tuple[Consent, Consent]
) -> None:
    """Set the consent of contacts to opens and to clicks."""
    opens, clicks = choice
    await scenario.clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(name, opens_consent=opens, clicks_consent=clicks) for name in contacts]
    )


async def _start(scenario: Scenario, name: str) -> Minting:
    minting = Minting(scenario, name)
    await minting.create()
    return minting


async def _in_one_call(minting: Minting, contacts: Sequence[str]) -> None:
    await minting.issue(contacts)


async def _under_other_requests(minting: Minting, contacts: Sequence[str]) -> None:
    for contact in contacts:
        await minting.issue([contact])


async def _repeating_a_request(minting: Minting, contacts: Sequence[str]) -> None:
    # Repetitions are the same for the control: a request with other contacts is refused.
    requests: dict[str, uuid.UUID] = {}
    for contact in contacts:
        await minting.issue([contact], request=requests.setdefault(contact, uuid.uuid4()))


async def _in_other_groups(minting: Minting, contacts: Sequence[str]) -> None:
    for number, contact in enumerate(contacts):
        await minting.issue([contact], group=GROUPS[number % len(GROUPS)])


async def _from_several_calls_at_once(minting: Minting, contacts: Sequence[str]) -> None:
    await asyncio.gather(*(minting.issue([contact]) for contact in contacts))


_WAYS = {
    "in one call": _in_one_call,
    "under other request ids": _under_other_requests,
    "repeating one request": _repeating_a_request,
    "in other groups": _in_other_groups,
    "at once": _from_several_calls_at_once,
}


@pytest.mark.parametrize(
    "choice",
    [
        (Consent.DENIED, Consent.DENIED),
        (Consent.GRANTED, Consent.GRANTED),
        (Consent.GRANTED, Consent.DENIED),
        (Consent.WITHDRAWN, Consent.GRANTED),
    ],
    ids=["hidden", "known", "opens known", "clicks known"],
)
@pytest.mark.parametrize("way", _WAYS)
async def test_one_contact_counts_as_one_person(
    scenario: Scenario, report: Report, way: str, choice: tuple[Consent, Consent]
) -> None:
    """However often tokens are issued to a contact, it is one opener and one clicker.

    The control issues as many tokens in the same way to as many contacts.
    """
    case = f"minting: {way}, {choice[0].name}, {choice[1].name}"
    contacts = [f"{case} {number}" for number in range(TIMES)]
    await _decide(scenario, contacts, choice)
    attack, control = await _start(scenario, case), await _start(scenario, f"{case}, control")
    await _WAYS[way](attack, contacts[:1] * TIMES)
    await _WAYS[way](control, contacts)
    counted, of_control = await attack.counted(), await control.counted()
    # One person is what there is.
    report(Attack(case, Score(TIMES - 1, max(counted) - 1), Score(TIMES - 1, max(of_control) - 1)))
    assert (control.slots(), of_control) == ((TIMES, TIMES), (TIMES, TIMES))
    assert (attack.slots(), counted) == ((1, 1), (1, 1))


async def test_a_repeated_call_returns_the_same_tokens_after_the_campaign_closed(
    scenario: Scenario,
) -> None:
    """A closed campaign repeats what it returned, to the byte, and issues nothing new."""
    contacts = [f"closed {number}" for number in range(TIMES)]
    await scenario.choose(contacts[::2], DoNotTrack.TRUE)
    minting = await _start(scenario, "closed")
    request = uuid.uuid4()
    first = await minting.issue([*contacts, *contacts[:2]], request=request)
    await minting.close()
    await scenario.choose(contacts, DoNotTrack.TRUE)
    assert await minting.issue([*contacts, *contacts[:2]], request=request) == first
    for names in (contacts, ["somebody else"]):
        with pytest.raises(FailedPreconditionError) as caught:
            await minting.issue(names)
        assert caught.value.reason is ErrorReason.CAMPAIGN_CLOSED
    assert minting.slots() == (TIMES, TIMES)


@pytest.mark.parametrize("number", range(SEQUENCES))
async def test_no_sequence_of_calls_yields_more_slots_than_contacts(
    scenario: Scenario, number: int
) -> None:
    """Random calls, repetitions and decisions yield at most a slot per contact and purpose."""
    name = f"sequence {number}"
    random = Random(f"{SEED} {name}")  # noqa: S311 - to be repeatable
    contacts = [f"{name} {person}" for person in range(PEOPLE)]
    minting = await _start(scenario, name)
    calls: list[tuple[uuid.UUID, str, list[str]]] = []
    returned: dict[uuid.UUID, Sequence[IssuedToken]] = {}
    for _ in range(CALLS):
        choice = (random.choice([*Consent]), random.choice([*Consent]))
        await _decide(scenario, [random.choice(contacts)], choice)
        if calls and random.random() < 0.4:
            request, group, names = random.choice(calls)
        else:
            names = random.choices(contacts, k=random.randint(1, 2 * PEOPLE))
            request, group = (
                uuid.UUID(int=random.getrandbits(128), version=4),
                random.choice(GROUPS),
            )
            calls.append((request, group, names))
        tokens = await minting.issue(names, group=group, request=request)
        assert returned.setdefault(request, tokens) == tokens
    assert max(minting.slots()) <= PEOPLE
    # In two halves, with decisions in between: what was identified must not count again.
    first, second = minting.tokens[::2], minting.tokens[1::2]
    for tokens in (first, second, first + second):
        minting.tokens = tokens
        counted = await minting.counted()
        await _decide(scenario, contacts[:3], (Consent.DENIED, random.choice([*Consent])))
        await _decide(scenario, contacts[3:], (random.choice([*Consent]), Consent.WITHDRAWN))
    openers, clickers = minting.slots()
    assert counted[0] <= openers
    assert counted[1] <= clickers
