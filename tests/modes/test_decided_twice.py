"""The mode is decided when a token is issued and when an event is committed; the stricter wins."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from hushpost_client import (
    Count,
    DoNotTrack,
    Event,
    Mode,
    PolicyUpdate,
    Verdict,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, contents, tenant_number
from tests.mailing import GROUP, URLS, clients_of, eventually

FALSE, TRUE, UNSET = DoNotTrack.FALSE, DoNotTrack.TRUE, DoNotTrack.UNSET
IDENTIFIED, ANONYMOUS, AGGREGATE, OFF = (
    Mode.IDENTIFIED,
    Mode.ANONYMOUS,
    Mode.AGGREGATE,
    Mode.OFF,
)
DISABLED = PolicyUpdate(anonymization_enabled=False)
ENABLED = PolicyUpdate(anonymization_enabled=True)


@pytest.fixture
async def clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with exact numbers and the default policy else."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


@dataclass
class Message:
    """One message to a contact, in a campaign of its own."""

    clients: Clients
    campaign_id: str
    mode: Mode
    token: str

    async def open(self, *, privacy_signal: bool = False) -> None:
        """Record an open of it."""
        await self.clients.edge.tracking.record_open(
            self.token, verdict=Verdict.HUMAN, privacy_signal=privacy_signal
        )

    async def modes(self) -> list[Mode]:
        """Return the modes that its opens were counted in."""
        stats = await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)
        opens = stats.opens.human
        totals = {
            IDENTIFIED: opens.identified.total,
            ANONYMOUS: opens.anonymous.total,
            AGGREGATE: opens.aggregate.total,
        }
        return [mode for mode, total in totals.items() for _ in range(total)]

    async def engaged(self) -> set[str]:
        """Return who is known to have opened it."""
        listed = self.clients.reporter.stats.list_engaged_contacts(self.campaign_id)
        return {contact.contact_id async for contact in listed}


async def _send(clients: Clients, name: str = "ann") -> Message:
    created = await clients.sender.campaigns.create_campaign(links=URLS, groups=[GROUP])
    issued = await clients.sender.campaigns.issue_tokens(created.campaign_id, GROUP, [name])
    token = issued.tokens[0]
    return Message(clients, created.campaign_id, token.mode, token.token)


async def _set(clients: Clients, state: DoNotTrack, name: str = "ann") -> None:
    await clients.sender.preferences.set_preference(name, state)


async def _update(clients: Clients, update: PolicyUpdate) -> None:
    await clients.admin.admin.update_policy(update)

    async def is_done() -> bool:
        return (await clients.admin.admin.get_tenant()).folding is None

    await eventually(is_done, "the policy's job ends")


@pytest.mark.parametrize(
    ("update", "state", "mode"),
    [
        (PolicyUpdate(), UNSET, IDENTIFIED),
        (PolicyUpdate(), FALSE, IDENTIFIED),
        (PolicyUpdate(), TRUE, ANONYMOUS),
        *((PolicyUpdate(mode_when_true=mode), TRUE, mode) for mode in (ANONYMOUS, AGGREGATE, OFF)),
        *(
            (PolicyUpdate(mode_when_unset=mode), UNSET, mode)
            for mode in (IDENTIFIED, ANONYMOUS, AGGREGATE, OFF)
        ),
        (PolicyUpdate(mode_when_unset=OFF, mode_when_true=OFF), FALSE, IDENTIFIED),
        *((DISABLED, state, IDENTIFIED) for state in (UNSET, FALSE, TRUE)),
    ],
)
async def test_a_preference_has_the_mode_that_the_policy_gives_it(
    clients: Clients, update: PolicyUpdate, state: DoNotTrack, mode: Mode
) -> None:
    """Preference and policy decide what leaves in the mail and what an event leaves behind."""
    if update != PolicyUpdate():
        await _update(clients, update)
    if state is not UNSET:
        await _set(clients, state)
    preference = await clients.sender.preferences.get_preference("ann")
    assert (preference.do_not_track, preference.mode) == (state, mode)
    message = await _send(clients)
    assert message.mode is mode
    stats = await clients.reporter.stats.get_campaign_stats(message.campaign_id)
    assert getattr(stats.sent, mode.name.lower()) == 1
    if mode is OFF:
        assert message.token == ""
        return
    await message.open()
    assert await message.modes() == [mode]
    assert await message.engaged() == ({"ann"} if mode is IDENTIFIED else set())


@pytest.mark.parametrize("mode", [ANONYMOUS, AGGREGATE, OFF])
async def test_opting_in_again_is_for_later_campaigns(clients: Clients, mode: Mode) -> None:
    """Who opts out and in again stays unknown on mail of before, and is known on mail after."""
    if mode is not ANONYMOUS:
        await _update(clients, PolicyUpdate(mode_when_true=mode))
    old = await _send(clients)
    assert old.mode is IDENTIFIED
    await _set(clients, TRUE)
    between = await _send(clients)
    await _set(clients, FALSE)
    new = await _send(clients)
    assert (between.mode, new.mode) == (mode, IDENTIFIED)
    issued = await clients.sender.campaigns.issue_tokens(old.campaign_id, GROUP, ["ann"])
    assert issued.tokens[0].mode is mode, "also on another message of a campaign of before"
    await old.open()
    await new.open()
    assert await old.modes() == ([] if mode is OFF else [mode])
    assert await new.modes() == [IDENTIFIED]
    assert (await old.engaged(), await new.engaged()) == (set(), {"ann"})


async def test_a_looser_policy_is_for_later_campaigns(clients: Clients) -> None:
    """A policy made stricter and looser again leaves mail of before as strict as it was."""
    old = await _send(clients)
    await _update(clients, PolicyUpdate(mode_when_unset=AGGREGATE))
    await _update(clients, PolicyUpdate(mode_when_unset=ANONYMOUS))
    between = await _send(clients)
    await _update(clients, PolicyUpdate(mode_when_unset=IDENTIFIED))
    new = await _send(clients)
    assert (between.mode, new.mode) == (ANONYMOUS, IDENTIFIED)
    for message in (old, between, new):
        await message.open()
    assert await old.modes() == [AGGREGATE]
    assert await between.modes() == [ANONYMOUS]
    assert await new.modes() == [IDENTIFIED]


async def test_preferences_wait_while_the_feature_is_off(clients: Clients) -> None:
    """While it is off everybody is known; once it is on, what was chosen meanwhile holds."""
    await _update(clients, DISABLED)
    await _set(clients, TRUE)
    message = await _send(clients)
    await message.open()
    assert (message.mode, await message.modes()) == (IDENTIFIED, [IDENTIFIED])
    await _update(clients, ENABLED)
    assert await message.modes() == [ANONYMOUS], "what it was known for has been folded"
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 2
    await _update(clients, DISABLED)
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 3, "a message only ever gets stricter"
    assert (await _send(clients)).mode is IDENTIFIED


async def test_a_token_without_a_contact_is_never_identified(clients: Clients) -> None:
    """Consent, a looser policy and the switch together do not make an anonymous token known."""
    await _set(clients, TRUE)
    message = await _send(clients)
    await _set(clients, FALSE)
    await _update(clients, PolicyUpdate(anonymization_enabled=False, mode_when_unset=IDENTIFIED))
    for _ in range(2):
        await message.open()
    assert await message.modes() == [ANONYMOUS] * 2
    stats = await clients.reporter.stats.get_campaign_stats(message.campaign_id)
    assert stats.opens.human.anonymous == Count(2, 1)
    assert await message.engaged() == set()


async def test_a_token_without_a_contact_follows_a_stricter_policy(clients: Clients) -> None:
    """What was issued as ANONYMOUS counts as AGGREGATE, then not at all, as the policy tightens."""
    await _set(clients, TRUE)
    message = await _send(clients)
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=AGGREGATE))
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    await message.open()
    assert await message.modes() == [ANONYMOUS, AGGREGATE]


async def test_off_leaves_nothing_and_leads_on(clients: Clients, database: Connection) -> None:
    """An event of a contact that is OFF now changes no row, and its click is still redirected."""
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    message = await _send(clients)
    await _set(clients, TRUE)
    tenant = await tenant_number(database, clients.tenant_id)
    before = await contents(database, [tenant])
    tracking = clients.edge.tracking
    await message.open()
    assert await tracking.record_click(message.token, 1, verdict=Verdict.HUMAN) == URLS[0]
    await tracking.record_events([Event(message.token, link) for link in (0, 1, 2)])
    assert await tracking.resolve_link(message.token, 2) == URLS[1]
    after = await contents(database, [tenant])
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"receipts"}, "the request alone is remembered"


async def test_one_token_serves_the_whole_group_in_aggregate(clients: Clients) -> None:
    """AGGREGATE tokens of a group are the same bytes for everybody, now and later."""
    await _update(clients, PolicyUpdate(mode_when_unset=AGGREGATE))
    campaigns = clients.sender.campaigns
    await campaigns.create_campaign("spring", links=URLS, groups=["east", "west"])
    tokens: dict[str, set[str]] = {}
    for group in ("east", "west", "east"):
        issued = await campaigns.issue_tokens("spring", group, [f"reader-{n}" for n in range(50)])
        tokens.setdefault(group, set()).update(token.token for token in issued.tokens)
    assert [len(found) for found in tokens.values()] == [1, 1]
    assert tokens["east"] != tokens["west"]
    (token,) = tokens["east"]
    for _ in range(3):
        await clients.edge.tracking.record_open(token, verdict=Verdict.HUMAN)
    stats = await clients.reporter.stats.get_campaign_stats("spring")
    assert stats.groups[0].opens.human.aggregate == Count(3, 0)
    assert stats.sent.aggregate == 150


async def test_a_browser_that_asks_for_privacy_is_counted_in_totals_only(
    clients: Clients, database: Connection
) -> None:
    """An event with a privacy signal names nobody and marks no slot; a later one without it does."""
    known = await _send(clients)
    await known.open(privacy_signal=True)
    assert await known.modes() == [AGGREGATE]
    tenant = await tenant_number(database, clients.tenant_id)
    found = await contents(database, [tenant])
    assert (found["events"][0], found["slot_bits"][0]) == (0, 0)
    assert await known.engaged() == set()
    await known.open()
    assert await known.modes() == [IDENTIFIED, AGGREGATE]
    await _set(clients, TRUE, "bob")
    hidden = await _send(clients, "bob")
    await hidden.open(privacy_signal=True)
    assert await hidden.modes() == [ANONYMOUS]


@pytest.mark.parametrize("chosen", [FALSE, TRUE])
async def test_an_erasure_does_not_loosen_a_message(clients: Clients, chosen: DoNotTrack) -> None:
    """Where those who opt out leave nothing, those who are erased leave nothing any more."""
    message = await _send(clients)
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    await _set(clients, chosen)
    await clients.sender.preferences.erase_contact("ann")
    assert await message.modes() == [AGGREGATE]
    await message.open()
    assert await message.modes() == [AGGREGATE]
    await _update(clients, PolicyUpdate(mode_when_true=ANONYMOUS))
    await message.open()
    assert await message.modes() == [AGGREGATE]


async def test_an_erased_contact_is_anonymous_on_old_mail(clients: Clients) -> None:
    """Events of somebody forgotten count for the group; signed up again, it is somebody new."""
    message = await _send(clients)
    await message.open()
    await clients.sender.preferences.erase_contact("ann")
    assert await message.modes() == [ANONYMOUS]
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 2
    await _set(clients, FALSE)
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 3
    again = await _send(clients)
    await again.open()
    assert await again.modes() == [IDENTIFIED]
    await _update(clients, PolicyUpdate(mode_when_unset=OFF))
    await clients.sender.preferences.erase_contact("ann")
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 3, "or as UNSET, where that is stricter"
