"""Messages whose opens and clicks have different modes have a token for each."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import product
from uuid import UUID, uuid4

import pytest

from hushpost_client import (
    Consent,
    ConsentModes,
    DoNotTrack,
    IssuedToken,
    Mode,
    PolicyUpdate,
    PreferenceEntry,
    Release,
    Verdict,
)
from hushpost_service.domain.consent import Purpose
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.tenant_locks import lock_recording
from hushpost_service.tokens.codec import (
    BOTH_PURPOSES,
    NO_CONTACT,
    NO_SLOT,
    TokenCodec,
    TrackingToken,
)
from hushpost_service.tokens.keyring import Keyring
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, tenant_number
from tests.mailing import URLS, clients_of, eventually, exact_count

GROUP = "readers"
MODE = {
    Consent.UNKNOWN: Mode.IDENTIFIED,
    Consent.GRANTED: Mode.IDENTIFIED,
    Consent.DENIED: Mode.ANONYMOUS,
    Consent.WITHDRAWN: Mode.ANONYMOUS,
}
"""The modes of the default policy."""


async def _decide(clients: Clients, consents: dict[str, tuple[Consent, Consent]]) -> None:
    """Set the consent of contacts to opens and clicks."""
    await clients.sender.preferences.batch_set_preferences(
        [
            PreferenceEntry(name, opens_consent=opens, clicks_consent=clicks)
            for name, (opens, clicks) in consents.items()
        ]
    )


async def _issue(
    clients: Clients, contacts: Sequence[str], campaign: str = "spring", request: UUID | None = None
) -> tuple[IssuedToken, ...]:
    issue = clients.sender.campaigns.issue_tokens
    return (await issue(campaign, GROUP, contacts, request_id=request)).tokens


async def _create(clients: Clients, campaign: str = "spring") -> None:
    await clients.sender.campaigns.create_campaign(campaign, links=URLS, groups=[GROUP])


def _modes(tokens: Sequence[IssuedToken]) -> list[tuple[Mode | None, Mode | None]]:
    return [(token.mode, token.click_mode) for token in tokens]


def _opened(authority: RunningAuthority, token: str | None) -> TrackingToken:
    assert token
    return TokenCodec(Keyring.load(authority.process.data_dir / "keyring.json")).open(token)


async def test_each_consent_decides_the_mode_of_its_purpose(
    authority: RunningAuthority, exact_clients: Clients
) -> None:
    """In each combination; messages have two tokens where the modes differ, with own slots."""
    consents = {
        f"{opens} {clicks}": (opens, clicks) for opens, clicks in product(Consent, repeat=2)
    }
    await _decide(exact_clients, consents)
    await _create(exact_clients)
    issued = await _issue(exact_clients, list(consents))
    assert _modes(issued) == [(MODE[opens], MODE[clicks]) for opens, clicks in consents.values()]
    slots = set()
    tokens = 0
    for message in issued:
        opens, clicks = (
            _opened(authority, token) for token in (message.token, message.click_token)
        )
        is_shared = message.mode == message.click_mode
        assert (message.token == message.click_token) == is_shared
        assert (opens.purpose, clicks.purpose) == (
            (BOTH_PURPOSES, BOTH_PURPOSES) if is_shared else (Purpose.OPENS, Purpose.CLICKS)
        )
        for opened, mode in ((opens, message.mode), (clicks, message.click_mode)):
            assert (opened.contact == NO_CONTACT) == (mode is Mode.ANONYMOUS)
            slots.add(opened.slot)
        tokens += 1 if is_shared else 2
    assert len(slots) == tokens


async def test_a_repeated_call_returns_both_tokens_again(exact_clients: Clients) -> None:
    """Also after the consent changed and the campaign was closed; they count as sent once."""
    consents = {
        "ann": (Consent.GRANTED, Consent.DENIED),
        "bob": (Consent.DENIED, Consent.GRANTED),
        "cid": (Consent.GRANTED, Consent.GRANTED),
    }
    await _decide(exact_clients, consents)
    await _create(exact_clients)
    contacts, request = [*consents, "ann"], uuid4()
    first = await _issue(exact_clients, contacts, request=request)
    assert _modes(first) == [
        (Mode.IDENTIFIED, Mode.ANONYMOUS),
        (Mode.ANONYMOUS, Mode.IDENTIFIED),
        (Mode.IDENTIFIED, Mode.IDENTIFIED),
        (Mode.AGGREGATE, Mode.AGGREGATE),
    ]
    await _issue(exact_clients, ["somebody else"])
    for change in (
        {"ann": (Consent.GRANTED, Consent.GRANTED), "bob": (Consent.DENIED, Consent.WITHDRAWN)},
        {"ann": (Consent.DENIED, Consent.DENIED), "bob": (Consent.UNKNOWN, Consent.UNKNOWN)},
    ):
        await _decide(exact_clients, change)
        assert await _issue(exact_clients, contacts, request=request) == first
    await exact_clients.sender.campaigns.close_campaign("spring")
    assert await _issue(exact_clients, contacts, request=request) == first
    stats = await exact_clients.reporter.stats.get_campaign_stats("spring")
    for sent in (stats.sent, stats.clicks_sent):
        assert (sent.total, sent.identified, sent.anonymous, sent.aggregate) == (5, 3, 1, 1)


async def test_the_successor_of_an_erased_contact_gets_neither_of_its_tokens(
    authority: RunningAuthority, exact_clients: Clients
) -> None:
    """Every repetition gives it the same token, which the group shares; others keep theirs."""
    consents = dict.fromkeys(["ann", "bob"], (Consent.GRANTED, Consent.DENIED))
    await _decide(exact_clients, consents)
    await _create(exact_clients)
    request = uuid4()
    first = await _issue(exact_clients, ["ann", "bob"], request=request)
    await exact_clients.sender.preferences.erase_contact("ann")
    second = await _issue(exact_clients, ["ann", "bob"], request=request)
    assert second[1] == first[1]
    assert _modes(second)[0] == (Mode.AGGREGATE, Mode.AGGREGATE)
    assert second[0].token == second[0].click_token
    shared = _opened(authority, second[0].token)
    assert (shared.contact, shared.slot) == (NO_CONTACT, NO_SLOT)
    await _decide(exact_clients, {"ann": (Consent.GRANTED, Consent.DENIED)})
    assert await _issue(exact_clients, ["ann", "bob"], request=request) == second


async def test_a_token_counts_only_events_of_its_purpose(exact_clients: Clients) -> None:
    """The pixel's token clicks nothing, that of links opens nothing; links redirect."""
    await _decide(exact_clients, {"ann": (Consent.GRANTED, Consent.DENIED)})
    await _create(exact_clients)
    (message,) = await _issue(exact_clients, ["ann"])
    assert message.token
    assert message.click_token
    tracking = exact_clients.edge.tracking
    await tracking.record_open(message.click_token, verdict=Verdict.HUMAN)
    assert await tracking.record_click(message.token, 1, verdict=Verdict.HUMAN) == URLS[0]
    stats = await exact_clients.reporter.stats.get_campaign_stats("spring")
    for signal in (stats.opens.human, stats.clicks.human):
        assert (signal.identified.total, exact_count(signal.anonymous).total) == (0, 0)
        assert exact_count(signal.aggregate).total == 0
    await tracking.record_open(message.token, verdict=Verdict.HUMAN)
    assert await tracking.record_click(message.click_token, 2, verdict=Verdict.HUMAN) == URLS[1]
    stats = await exact_clients.reporter.stats.get_campaign_stats("spring")
    assert (stats.opens.human.identified.unique, stats.clicks.human.identified.unique) == (1, 0)
    assert exact_count(stats.clicks.human.anonymous).unique == 1
    assert exact_count(stats.opens.human.anonymous).unique == 0


async def test_rates_have_the_messages_of_their_purpose(authority: RunningAuthority) -> None:
    """Messages whose opens are OFF count for the rate of clicks, and the other way round."""
    off = ConsentModes(when_denied=Mode.OFF)
    policy = PolicyUpdate(release=Release.EXACT, opens_modes=off, clicks_modes=off)
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, policy)
        consents = {
            "ann": (Consent.GRANTED, Consent.DENIED),
            "bob": (Consent.GRANTED, Consent.DENIED),
            "cid": (Consent.DENIED, Consent.GRANTED),
            "dan": (Consent.GRANTED, Consent.GRANTED),
        }
        await _decide(clients, consents)
        await _create(clients)
        ann, bob, cid, dan = await _issue(clients, list(consents))
        assert (ann.click_token, bob.click_token, cid.token) == (None, None, None)
        assert ann.token
        assert cid.click_token
        assert dan.token
        await clients.edge.tracking.record_open(ann.token, verdict=Verdict.HUMAN)
        await clients.edge.tracking.record_click(cid.click_token, 1, verdict=Verdict.HUMAN)
        stats = await clients.reporter.stats.get_campaign_stats("spring")
    for numbers in (stats, stats.groups[0]):
        assert (numbers.sent.total, numbers.sent.off, numbers.sent.identified) == (4, 1, 3)
        assert (numbers.clicks_sent.total, numbers.clicks_sent.off) == (4, 2)
        assert numbers.rates.open_rate.combined == pytest.approx(1 / 3)
        assert numbers.rates.click_through_rate.combined == pytest.approx(1 / 2)
    (hour,) = stats.hours
    assert (hour.sent.total, hour.sent.off) == (4, 1)


async def test_last_opens_are_dated_by_a_token_of_their_own(
    authority: RunningAuthority, database: Connection
) -> None:
    """Opens of contacts with UNKNOWN consent are OFF: their token sets a date and counts nothing."""
    policy = PolicyUpdate(
        release=Release.EXACT,
        opens_modes=ConsentModes(when_unknown=Mode.ANONYMOUS),
        record_last_opens=True,
    )
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, policy)
        await _decide(
            clients,
            {
                "ann": (Consent.UNKNOWN, Consent.DENIED),
                "bob": (Consent.DENIED, Consent.DENIED),
                "cid": (Consent.UNKNOWN, Consent.UNKNOWN),
            },
        )
        await _create(clients)
        request = uuid4()
        first = await _issue(clients, ["ann", "bob", "cid", "ann"], request=request)
        assert await _issue(clients, ["ann", "bob", "cid", "ann"], request=request) == first
        assert _modes(first) == [
            (Mode.OFF, Mode.ANONYMOUS),
            (Mode.ANONYMOUS, Mode.ANONYMOUS),
            (Mode.OFF, Mode.IDENTIFIED),
            (Mode.OFF, Mode.AGGREGATE),
        ]
        for message in (first[0], first[2]):
            token = _opened(authority, message.token)
            assert (token.purpose, token.slot) == (Purpose.OPENS, NO_SLOT)
            assert token.contact != NO_CONTACT
            assert message.token
            await clients.edge.tracking.record_open(message.token, verdict=Verdict.HUMAN)
        # The same token for the same contact: further messages do not tell more.
        assert first[3].token == first[0].token
        tenant = await tenant_number(database, clients.tenant_id)
        rows = "select first_message_date, last_open_date from last_opens where tenant = $1"
        dates = await database.fetch(rows, tenant)
        assert len(dates) == 2
        assert all(first_date == last == dates[0][0] for first_date, last in dates)
        stats = await clients.reporter.stats.get_campaign_stats("spring")
        assert exact_count(stats.opens.human.aggregate).total == 0
        assert exact_count(stats.opens.human.combined).unique == 0
        assert (stats.sent.off, stats.sent.anonymous) == (3, 1)
        await clients.sender.preferences.set_preference("cid", opens_consent=Consent.GRANTED)
        await _issue(clients, ["ann", "cid"])
        assert len(await database.fetch(rows, tenant)) == 1


_WAITING = (
    "select count(*) from pg_locks where objid = $1 and locktype = 'advisory' and not granted"
)
DECISION = "update contacts set opens_consent = 3 where tenant = $1"
POLICY = """
insert into policies
select (jsonb_populate_record(
    policies, '{"version": 2, "record_last_opens": false}'
)).*
from policies
where tenant = $1
"""


@pytest.mark.embedded
@pytest.mark.parametrize("change", [DECISION, POLICY], ids=["decision", "policy"])
async def test_a_change_while_tokens_are_issued_leaves_no_date(
    authority: RunningAuthority, database: Connection, change: str
) -> None:
    """Neither a decision of the contact nor one of the tenant that commits in between."""
    policy = PolicyUpdate(
        opens_modes=ConsentModes(when_unknown=Mode.ANONYMOUS), record_last_opens=True
    )
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, policy)
        tenant = await tenant_number(database, clients.tenant_id)
        await clients.sender.preferences.set_preference("ann", opens_consent=Consent.GRANTED)
        await clients.sender.preferences.set_preference("ann", opens_consent=Consent.UNKNOWN)
        await _create(clients)
        async with database.transaction():
            await lock_recording(database, DatabaseKind.SINGLE, tenant)  # type: ignore[arg-type]
            await database.execute(change, tenant)
            issuing = asyncio.create_task(_issue(clients, ["ann"]))

            async def is_waiting_or_done() -> bool:
                return issuing.done() or bool(await database.fetchval(_WAITING, tenant))

            await eventually(is_waiting_or_done, "the call waits for the change")
        (message,) = await issuing
        assert message.mode is Mode.OFF
        assert not await database.fetch("select from last_opens where tenant = $1", tenant)


@pytest.mark.parametrize("is_off", [False, True], ids=["clicks identified", "clicks off"])
async def test_links_never_get_the_token_of_last_opens(
    authority: RunningAuthority, *, is_off: bool
) -> None:
    """Not even if clicks are OFF, too, so that both purposes have the same mode."""
    when_unknown = Mode.OFF if is_off else Mode.IDENTIFIED
    policy = PolicyUpdate(
        opens_modes=ConsentModes(when_unknown=Mode.AGGREGATE),
        clicks_modes=ConsentModes(when_unknown=when_unknown),
        record_last_opens=True,
    )
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, policy)
        await _create(clients)
        (message,) = await _issue(clients, ["ann"])
    assert (message.mode, message.click_mode) == (Mode.OFF, when_unknown)
    assert message.token
    assert (message.click_token is None) == is_off
    assert message.token != message.click_token


async def test_the_simple_preference_gives_one_token(exact_clients: Clients) -> None:
    """`do_not_track` decides both purposes alike."""
    await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    await exact_clients.sender.preferences.set_preference("bob", DoNotTrack.FALSE)
    await _create(exact_clients)
    for message in await _issue(exact_clients, ["ann", "bob", "cid"]):
        assert (message.click_mode, message.click_token) == (message.mode, message.token)
