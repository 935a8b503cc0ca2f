"""The mode is decided when a token is issued and when an event is committed; the stricter wins."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from hushpost_client import Count, DoNotTrack, Event, Mode, PolicyUpdate, Verdict
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, contents, tenant_number
from tests.mailing import GROUP, URLS, clients_of, eventually, exact_count

FALSE, TRUE, UNSET = DoNotTrack.FALSE, DoNotTrack.TRUE, DoNotTrack.UNSET
IDENTIFIED, ANONYMOUS = Mode.IDENTIFIED, Mode.ANONYMOUS
AGGREGATE, OFF = Mode.AGGREGATE, Mode.OFF
DISABLED = PolicyUpdate(anonymization_enabled=False)
ENABLED = PolicyUpdate(anonymization_enabled=True)


@pytest.fixture
async def clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with exact releases and otherwise the default policy."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


@dataclass
class Message:
    """The only message of a campaign."""

    clients: Clients
    campaign_id: str
    mode: Mode | None
    token: str

    async def open(self, *, privacy_signal: bool = False, repeated: bool = False) -> None:
        """Record an open of the message."""
        await self.clients.edge.tracking.record_open(
            self.token, verdict=Verdict.HUMAN, privacy_signal=privacy_signal, repeated=repeated
        )

    async def modes(self) -> list[Mode]:
        """Return the mode of each open as it is counted in the statistics."""
        stats = await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)
        opens = stats.opens.human
        totals = {
            IDENTIFIED: opens.identified.total,
            ANONYMOUS: exact_count(opens.anonymous).total,
            AGGREGATE: exact_count(opens.aggregate).total,
        }
        return [mode for mode, total in totals.items() for _ in range(total)]

    async def engaged(self) -> set[str]:
        """Return the contacts that are listed as engaged."""
        listed = self.clients.reporter.stats.list_engaged_contacts(self.campaign_id)
        return {contact.contact_id async for contact in listed}


async def _send(clients: Clients, name: str = "ann") -> Message:
    """Create a campaign and issue a token to one contact."""
    created = await clients.sender.campaigns.create_campaign(links=URLS, groups=[GROUP])
    issued = await clients.sender.campaigns.issue_tokens(created.campaign_id, GROUP, [name])
    token = issued.tokens[0]
    return Message(clients, created.campaign_id, token.mode, token.token or "")


async def _set(clients: Clients, state: DoNotTrack, name: str = "ann") -> None:
    await clients.sender.preferences.set_preference(name, state)


async def _update(clients: Clients, update: PolicyUpdate) -> None:
    """Update the policy and wait until its anonymization job is done."""
    await clients.admin.admin.update_policy(update)

    async def is_done() -> bool:
        return (await clients.admin.admin.get_tenant()).anonymization is None

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
async def test_the_policy_maps_a_preference_to_a_mode(
    clients: Clients, update: PolicyUpdate, state: DoNotTrack, mode: Mode
) -> None:
    """The preference and the policy decide the mode of the message and of its events."""
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
async def test_consent_applies_to_later_campaigns_only(clients: Clients, mode: Mode) -> None:
    """After an opt-out and consent, earlier messages stay strict and later ones are IDENTIFIED."""
    if mode is not ANONYMOUS:
        await _update(clients, PolicyUpdate(mode_when_true=mode))
    earlier = await _send(clients)
    assert earlier.mode is IDENTIFIED
    for choice in (TRUE, FALSE):
        await _set(clients, choice, "bob")
    await _set(clients, TRUE)
    between = await _send(clients)
    await _set(clients, FALSE)
    later = await _send(clients)
    assert (between.mode, later.mode) == (mode, IDENTIFIED)
    issued = await clients.sender.campaigns.issue_tokens(earlier.campaign_id, GROUP, ["bob"])
    assert issued.tokens[0].mode is mode, "a new token of an earlier campaign is strict too"
    await earlier.open()
    await later.open()
    assert await earlier.modes() == ([] if mode is OFF else [mode])
    assert await later.modes() == [IDENTIFIED]
    assert (await earlier.engaged(), await later.engaged()) == (set(), {"ann"})


async def test_a_looser_policy_applies_to_later_campaigns_only(clients: Clients) -> None:
    """Messages keep the strictest mode that the policy has had since their campaign."""
    earlier = await _send(clients)
    await _update(clients, PolicyUpdate(mode_when_unset=AGGREGATE))
    await _update(clients, PolicyUpdate(mode_when_unset=ANONYMOUS))
    between = await _send(clients)
    await _update(clients, PolicyUpdate(mode_when_unset=IDENTIFIED))
    later = await _send(clients)
    assert (between.mode, later.mode) == (ANONYMOUS, IDENTIFIED)
    for message in (earlier, between, later):
        await message.open()
    assert await earlier.modes() == [AGGREGATE]
    assert await between.modes() == [ANONYMOUS]
    assert await later.modes() == [IDENTIFIED]


async def test_preferences_are_stored_while_anonymization_is_disabled(clients: Clients) -> None:
    """While disabled, all events are IDENTIFIED; enabling it applies the stored preferences."""
    await _update(clients, DISABLED)
    await _set(clients, TRUE)
    message = await _send(clients)
    await message.open()
    assert (message.mode, await message.modes()) == (IDENTIFIED, [IDENTIFIED])
    await _update(clients, ENABLED)
    assert await message.modes() == [ANONYMOUS], "identified events have been anonymized"
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 2
    await _update(clients, DISABLED)
    await message.open()
    assert await message.modes() == [ANONYMOUS] * 3, "the mode of a message only tightens"
    assert (await _send(clients)).mode is IDENTIFIED


async def test_an_anonymous_token_never_becomes_identified(clients: Clients) -> None:
    """Consent, a looser policy and disabling anonymization do not identify an anonymous token."""
    await _set(clients, TRUE)
    message = await _send(clients)
    await _set(clients, FALSE)
    await _update(clients, PolicyUpdate(anonymization_enabled=False, mode_when_unset=IDENTIFIED))
    for _ in range(2):
        await message.open()
    assert await message.modes() == [ANONYMOUS] * 2
    stats = await clients.reporter.stats.get_campaign_stats(message.campaign_id)
    assert exact_count(stats.opens.human.anonymous) == Count(2, 1)
    assert await message.engaged() == set()


async def test_an_anonymous_token_follows_a_stricter_policy(clients: Clients) -> None:
    """Events of an ANONYMOUS token count as AGGREGATE, then not at all, as the policy tightens."""
    await _set(clients, TRUE)
    message = await _send(clients)
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=AGGREGATE))
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    await message.open()
    assert await message.modes() == [ANONYMOUS, AGGREGATE]


async def test_an_event_in_mode_off_is_not_stored_but_redirects(
    clients: Clients, database: Connection
) -> None:
    """In mode OFF an event claims its request id, changes no other row, and its link still resolves."""
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    message = await _send(clients)
    await _set(clients, TRUE)
    tenant = await tenant_number(database, clients.tenant_id)
    before = await contents(database, [tenant])
    tracking = clients.edge.tracking
    await message.open()
    assert await tracking.record_click(message.token, 1, verdict=Verdict.HUMAN) == URLS[0]
    await tracking.record_events([Event(message.token, link_number=link) for link in (None, 1, 2)])
    assert await tracking.resolve_link(message.token, 2) == URLS[1]
    after = await contents(database, [tenant])
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"request_ids"}, "only the request id is stored"


async def test_aggregate_tokens_of_a_group_are_identical(clients: Clients) -> None:
    """All contacts of a group get the same AGGREGATE token, in every call."""
    await _update(clients, PolicyUpdate(mode_when_unset=AGGREGATE))
    campaigns = clients.sender.campaigns
    await campaigns.create_campaign("spring", links=URLS, groups=["east", "west"])
    tokens: dict[str, set[str]] = {}
    for group in ("east", "west", "east"):
        issued = await campaigns.issue_tokens("spring", group, [f"reader-{n}" for n in range(50)])
        tokens.setdefault(group, set()).update(
            token.token for token in issued.tokens if token.token
        )
    assert [len(found) for found in tokens.values()] == [1, 1]
    assert tokens["east"] != tokens["west"]
    (token,) = tokens["east"]
    for _ in range(3):
        await clients.edge.tracking.record_open(token, verdict=Verdict.HUMAN)
    stats = await clients.reporter.stats.get_campaign_stats("spring")
    assert exact_count(stats.groups[0].opens.human.aggregate) == Count(3, 0)
    assert stats.sent.aggregate == 150


async def test_an_event_with_a_privacy_signal_counts_as_aggregate(
    clients: Clients, database: Connection
) -> None:
    """An event with a privacy signal is AGGREGATE instead of IDENTIFIED: no row, no slot mark."""
    identified = await _send(clients)
    await identified.open(privacy_signal=True)
    assert await identified.modes() == [AGGREGATE]
    tenant = await tenant_number(database, clients.tenant_id)
    found = await contents(database, [tenant])
    assert (found["events"][0], found["slot_bits"][0]) == (0, 0)
    assert await identified.engaged() == set()
    await identified.open()
    assert await identified.modes() == [IDENTIFIED, AGGREGATE]
    await _set(clients, TRUE, "bob")
    anonymous = await _send(clients, "bob")
    await anonymous.open(privacy_signal=True)
    assert await anonymous.modes() == [ANONYMOUS]


async def test_a_repeated_event_counts_unless_it_is_aggregate(clients: Clients) -> None:
    """Repeated events count in all modes but AGGREGATE, also if a signal made them so."""
    identified = await _send(clients)
    await identified.open(repeated=True)
    await identified.open(repeated=True)
    assert await identified.modes() == [IDENTIFIED, IDENTIFIED]
    await identified.open(privacy_signal=True, repeated=True)
    assert await identified.modes() == [IDENTIFIED, IDENTIFIED]
    await identified.open(privacy_signal=True)
    assert await identified.modes() == [IDENTIFIED, IDENTIFIED, AGGREGATE]
    await _set(clients, TRUE, "bob")
    anonymous = await _send(clients, "bob")
    await anonymous.open(repeated=True)
    await anonymous.open(repeated=True)
    assert await anonymous.modes() == [ANONYMOUS, ANONYMOUS]
    await _update(clients, PolicyUpdate(mode_when_true=AGGREGATE))
    await anonymous.open(repeated=True)
    assert (await anonymous.modes()).count(AGGREGATE) == 0


async def test_repeated_events_of_a_batch_count_unless_they_are_aggregate(
    clients: Clients,
) -> None:
    """A batch drops its repeated AGGREGATE events, and only those."""
    await _update(clients, PolicyUpdate(mode_when_true=AGGREGATE))
    await _set(clients, TRUE, "bob")
    aggregate, identified = await _send(clients, "bob"), await _send(clients)
    recorded = await clients.edge.tracking.record_events(
        [
            Event(message.token, verdict=Verdict.HUMAN, repeated=number > 0)
            for number in range(5)
            for message in (aggregate, identified)
        ]
    )
    assert recorded.accepted_count == 10
    assert await aggregate.modes() == [AGGREGATE]
    assert await identified.modes() == [IDENTIFIED] * 5


@pytest.mark.parametrize("preference", [FALSE, TRUE])
async def test_an_erasure_does_not_loosen_the_mode(
    clients: Clients, preference: DoNotTrack
) -> None:
    """If the policy turns opt-outs OFF, events of erased contacts are not recorded either."""
    message = await _send(clients)
    await message.open()
    await _update(clients, PolicyUpdate(mode_when_true=OFF))
    await _set(clients, preference)
    await clients.sender.preferences.erase_contact("ann")
    assert await message.modes() == [AGGREGATE]
    await message.open()
    assert await message.modes() == [AGGREGATE]
    await _update(clients, PolicyUpdate(mode_when_true=ANONYMOUS))
    await message.open()
    assert await message.modes() == [AGGREGATE]


async def test_an_erased_contact_is_anonymous_in_earlier_messages(clients: Clients) -> None:
    """Events of an erased contact are ANONYMOUS; the same id later is a new contact."""
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
    assert await message.modes() == [ANONYMOUS] * 3, (
        "a mode for UNSET that is stricter than ANONYMOUS applies"
    )
