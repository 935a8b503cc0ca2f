"""Tokens: a repeated call returns the same ones, and a contact has one slot in a campaign."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from hushpost_client import (
    DoNotTrack,
    ErrorReason,
    FailedPreconditionError,
    Hushpost,
    InvalidArgumentError,
    IssuedTokens,
    Mode,
    NewGroup,
    PolicyUpdate,
    Release,
    Role,
)
from hushpost_service.tokens.codec import NO_SLOT, TokenCodec
from hushpost_service.tokens.keyring import Keyring
from tests.conftest import Clients, RunningAuthority
from tests.mailing import clients_of

CONTACTS = [f"contact-{n}" for n in range(40)]


@pytest.fixture
async def mailers(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """The clients of a tenant whose contacts are ANONYMOUS unless they agreed to tracking."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(release=Release.EXACT, mode_when_unset=Mode.ANONYMOUS)
        yield await clients_of(stack, authority, policy)


@pytest.fixture
async def other_sender(authority: RunningAuthority, mailers: Clients) -> AsyncIterator[Hushpost]:
    """A client with another SENDER key of the tenant."""
    made = await mailers.admin.admin.create_api_key(Role.SENDER, tenant_id=mailers.tenant_id)
    assert made.secret
    async with authority.client(made.secret) as client:
        yield client


async def _agree(clients: Clients, *contacts: str) -> None:
    for contact in contacts:
        await clients.sender.preferences.set_preference(contact, DoNotTrack.FALSE)


def _slots(authority: RunningAuthority, *issued: IssuedTokens) -> list[int]:
    """Return the slots of tokens, by the keyring of the authority."""
    codec = TokenCodec(Keyring.load(authority.process.data_dir / "keyring.json"))
    return [codec.open(token.token).slot for each in issued for token in each.tokens if token.token]


def _modes(issued: IssuedTokens) -> list[Mode | None]:
    return [token.mode for token in issued.tokens]


async def test_a_repeated_call_returns_the_same_tokens(mailers: Clients) -> None:
    """Also after preferences have changed, and after the campaign was closed."""
    await _agree(mailers, *CONTACTS[:20])
    await mailers.sender.campaigns.create_campaign("spring", groups=["readers"])
    request = uuid4()

    async def issue() -> IssuedTokens:
        return await mailers.sender.campaigns.issue_tokens(
            "spring", "readers", CONTACTS, include_preference_tokens=True, request_id=request
        )

    first = await issue()
    assert _modes(first) == [Mode.IDENTIFIED] * 20 + [Mode.ANONYMOUS] * 20
    await mailers.sender.campaigns.issue_tokens("spring", "readers", ["someone-else"])
    assert await issue() == first
    await mailers.sender.preferences.set_preference(CONTACTS[0], DoNotTrack.TRUE)
    assert await issue() == first
    await mailers.sender.campaigns.close_campaign("spring")
    assert await issue() == first
    stats = await mailers.reporter.stats.get_campaign_stats("spring")
    assert (stats.sent.identified, stats.sent.anonymous) == (20, 21)


async def test_a_contact_that_was_erased_gets_no_token_of_its_own(mailers: Clients) -> None:
    """Who signed up again is another contact: a repeated call gives it the shared token."""
    await mailers.sender.campaigns.create_campaign("spring", groups=["readers"])
    request = uuid4()
    first = await mailers.sender.campaigns.issue_tokens(
        "spring", "readers", CONTACTS[:3], request_id=request
    )
    await mailers.sender.preferences.erase_contact(CONTACTS[1])
    second = await mailers.sender.campaigns.issue_tokens(
        "spring", "readers", CONTACTS[:3], request_id=request
    )
    assert _modes(second) == [Mode.ANONYMOUS, Mode.AGGREGATE, Mode.ANONYMOUS]
    assert second.tokens[::2] == first.tokens[::2]


@pytest.mark.parametrize("issued_again", [False, True])
async def test_a_repeated_call_does_not_give_the_slot_of_an_erased_contact_to_its_successor(
    authority: RunningAuthority, exact_clients: Clients, *, issued_again: bool
) -> None:
    """No row may name the slot that has the anonymized acts of the erased contact."""
    sender = exact_clients.sender
    await sender.campaigns.create_campaign("spring", groups=["readers"])
    issue = sender.campaigns.issue_tokens
    request = uuid4()
    first = await issue("spring", "readers", CONTACTS[:3], request_id=request)
    await sender.preferences.erase_contact(CONTACTS[1])
    await sender.preferences.set_preference(CONTACTS[1], DoNotTrack.FALSE)
    if issued_again:
        again = await issue("spring", "readers", CONTACTS[1:2])
        assert _modes(again) == [Mode.IDENTIFIED]
        assert _slots(authority, again)[0] not in _slots(authority, first)
    second = await issue("spring", "readers", CONTACTS[:3], request_id=request)
    assert _modes(second) == [Mode.IDENTIFIED, Mode.AGGREGATE, Mode.IDENTIFIED]
    assert second.tokens[::2] == first.tokens[::2]
    assert _slots(authority, second)[1] == NO_SLOT


@pytest.mark.parametrize("agreed", [False, True])
async def test_a_contact_has_one_slot_in_a_campaign(mailers: Clients, *, agreed: bool) -> None:
    """In the same call, in another one and in another group, its further messages are AGGREGATE."""
    if agreed:
        await _agree(mailers, "ann")
    mode = Mode.IDENTIFIED if agreed else Mode.ANONYMOUS
    await mailers.sender.campaigns.create_campaign("spring", groups=["readers", "others"])
    issue = mailers.sender.campaigns.issue_tokens
    same = await issue("spring", "readers", ["ann", "bob", "ann"])
    assert _modes(same) == [mode, Mode.ANONYMOUS, Mode.AGGREGATE]
    again = await issue("spring", "readers", ["ann"])
    elsewhere = await issue("spring", "others", ["ann", "carol"])
    assert _modes(again) == [Mode.AGGREGATE]
    assert _modes(elsewhere) == [Mode.AGGREGATE, Mode.ANONYMOUS]
    assert _modes(await issue("spring", "readers", ["carol"])) == [Mode.AGGREGATE]
    assert same.tokens[2].token == again.tokens[0].token
    for issued in (same, again, elsewhere):
        for token in issued.tokens:
            assert token.token
            await mailers.edge.tracking.record_open(token.token)
    stats = await mailers.reporter.stats.get_campaign_stats("spring")
    assert stats.opens.human.combined
    assert stats.opens.human.combined.unique == 3
    assert stats.rates.open_rate.combined <= 1
    other_campaign = await mailers.sender.campaigns.create_campaign(groups=["readers"])
    issued = await issue(other_campaign.campaign_id, "readers", ["ann"])
    assert _modes(issued) == [mode]


async def test_messages_of_a_group_have_distinct_slots(
    authority: RunningAuthority, mailers: Clients
) -> None:
    """Calls at the same time, and more messages than expected, share no slot."""
    await mailers.sender.campaigns.create_campaign(
        "spring", groups=[NewGroup("readers", expected_messages=100), "others"]
    )
    calls = [
        mailers.sender.campaigns.issue_tokens(
            "spring", "readers", [f"{call}-{n}" for n in range(600)]
        )
        for call in range(8)
    ]
    slots = _slots(authority, *await asyncio.gather(*calls))
    assert len(set(slots)) == 4800
    # Within the first 4,096 slots as long as there are any.
    assert sorted(slots)[:4096] == list(range(4096))


async def test_another_api_key_needs_the_issue_key_once(
    mailers: Clients, other_sender: Hushpost
) -> None:
    """Without it, or with a wrong one, nothing is issued; afterwards it is not needed."""
    created = await mailers.sender.campaigns.create_campaign("spring", groups=["readers"])
    assert created.issue_key
    assert len(created.issue_key) == 32
    assert repr(created.issue_key) not in repr(created)
    with pytest.raises(FailedPreconditionError) as required:
        await other_sender.campaigns.issue_tokens("spring", "readers", ["ann"])
    assert required.value.reason is ErrorReason.ISSUE_KEY_REQUIRED
    for wrong in (bytes(32), b"short", created.issue_key[::-1]):
        with pytest.raises(InvalidArgumentError) as invalid:
            await other_sender.campaigns.issue_tokens("spring", "readers", ["ann"], issue_key=wrong)
        assert invalid.value.reason is ErrorReason.ISSUE_KEY_INVALID
    request = uuid4()
    first = await other_sender.campaigns.issue_tokens(
        "spring", "readers", ["ann"], issue_key=created.issue_key, request_id=request
    )
    # The tokens are those of the campaign, not of the API key.
    for client in (mailers.sender, other_sender):
        again = await client.campaigns.issue_tokens(
            "spring", "readers", ["ann"], request_id=request
        )
        assert again == first
    assert (await mailers.reporter.stats.get_campaign_stats("spring")).sent.anonymous == 1


async def test_the_issue_key_outlives_the_api_key_that_created_the_campaign(
    authority: RunningAuthority, mailers: Clients, other_sender: Hushpost
) -> None:
    """Other API keys go on with the issue key, and cannot without it."""
    made = await mailers.admin.admin.create_api_key(Role.SENDER, tenant_id=mailers.tenant_id)
    assert made.secret
    async with authority.client(made.secret) as creator:
        created = await creator.campaigns.create_campaign("spring", groups=["readers"])
        first = await creator.campaigns.issue_tokens("spring", "readers", CONTACTS[:10])
    await mailers.admin.admin.revoke_api_key(made.api_key.key_id)
    with pytest.raises(FailedPreconditionError) as required:
        await other_sender.campaigns.issue_tokens("spring", "readers", ["ann"])
    assert required.value.reason is ErrorReason.ISSUE_KEY_REQUIRED
    second = await other_sender.campaigns.issue_tokens(
        "spring", "readers", CONTACTS[10:], issue_key=created.issue_key
    )
    assert len(set(_slots(authority, first, second))) == len(CONTACTS)


async def test_a_repeated_creation_returns_the_same_issue_key(
    mailers: Clients, other_sender: Hushpost
) -> None:
    """To the API key that created the campaign, and not to others."""
    request = uuid4()
    create = mailers.sender.campaigns.create_campaign
    first = await create("spring", groups=["readers"], request_id=request)
    second = await create("spring", groups=["readers"], request_id=request)
    assert first.issue_key == second.issue_key
    third = await other_sender.campaigns.create_campaign(
        "spring", groups=["readers"], request_id=request
    )
    assert third.issue_key is None
    assert (await mailers.sender.campaigns.get_campaign("spring")).issue_key is None


@pytest.mark.parametrize("expected", [-1, 2**30 + 1])
async def test_an_impossible_number_of_messages_is_rejected(
    mailers: Clients, expected: int
) -> None:
    """`expected_messages` has a range."""
    with pytest.raises(InvalidArgumentError) as caught:
        await mailers.sender.campaigns.create_campaign(
            "spring", groups=[NewGroup("readers", expected_messages=expected)]
        )
    assert caught.value.reason is ErrorReason.FIELD_INVALID
    assert caught.value.metadata["field"] == "expected_messages"
