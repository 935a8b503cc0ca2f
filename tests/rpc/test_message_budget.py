"""A contact gets a limited number of ANONYMOUS messages in 90 days; further ones are OFF."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hushpost_client import Consent, DoNotTrack, IssuedToken, Mode, PolicyUpdate, Release
from tests.conftest import Clients, RunningAuthority
from tests.mailing import clients_of

LIMIT = 3


@pytest.fixture
async def limited(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """The clients of a tenant with a low limit."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(release=Release.EXACT, max_anonymous_messages=LIMIT)
        yield await clients_of(stack, authority, policy)


async def _issue(
    clients: Clients, *contacts: str, request: uuid.UUID | None = None, campaign: str | None = None
) -> list[IssuedToken]:
    """Issue tokens of a new campaign."""
    sender = clients.sender.campaigns
    if campaign is None:
        campaign = (await sender.create_campaign(groups=["readers"])).campaign_id
    issued = await sender.issue_tokens(campaign, "readers", contacts, request_id=request)
    return list(issued.tokens)


async def _modes(clients: Clients, *contacts: str) -> list[Mode | None]:
    return [token.mode for token in await _issue(clients, *contacts)]


async def test_anonymous_messages_beyond_the_limit_are_off(limited: Clients) -> None:
    """Each contact has its own limit; other modes have none."""
    await limited.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    await limited.sender.preferences.set_preference("bob", DoNotTrack.TRUE)
    for _ in range(LIMIT):
        assert await _modes(limited, "ann", "cid") == [Mode.ANONYMOUS, Mode.IDENTIFIED]
    assert await _modes(limited, "ann", "bob", "cid") == [
        Mode.OFF,
        Mode.ANONYMOUS,
        Mode.IDENTIFIED,
    ]
    await limited.admin.admin.update_policy(PolicyUpdate(max_anonymous_messages=LIMIT + 1))
    assert await _modes(limited, "ann", "bob") == [Mode.ANONYMOUS, Mode.ANONYMOUS]
    assert await _modes(limited, "ann") == [Mode.OFF]


async def test_only_messages_with_a_slot_count(limited: Clients) -> None:
    """Neither AGGREGATE messages nor repeated calls use up the limit, and OFF stays OFF."""
    await limited.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    created = await limited.sender.campaigns.create_campaign(groups=["readers"])
    request = uuid.uuid4()
    calls = [
        await _issue(limited, "ann", "ann", request=request, campaign=created.campaign_id)
        for _ in range(2 * LIMIT)
    ]
    assert calls == calls[:1] * len(calls)
    for _ in range(LIMIT - 1):
        assert await _modes(limited, "ann") == [Mode.ANONYMOUS]
    request = uuid.uuid4()
    other = await limited.sender.campaigns.create_campaign(groups=["readers"])
    for _ in range(2):
        (token,) = await _issue(limited, "ann", request=request, campaign=other.campaign_id)
        assert (token.mode, token.token) == (Mode.OFF, None)


async def test_a_message_counts_once_for_both_purposes(limited: Clients) -> None:
    """Opens and clicks share the limit; beyond it, only what would be ANONYMOUS is OFF."""
    set_preference = limited.sender.preferences.set_preference
    both, one = (Mode.ANONYMOUS, Mode.ANONYMOUS), (Mode.IDENTIFIED, Mode.ANONYMOUS)
    await set_preference("ann", opens_consent=Consent.DENIED, clicks_consent=Consent.DENIED)
    await set_preference("bob", opens_consent=Consent.GRANTED, clicks_consent=Consent.DENIED)
    for _ in range(LIMIT):
        issued = await _issue(limited, "ann", "bob")
        assert [(token.mode, token.click_mode) for token in issued] == [both, one]
    ann, bob = await _issue(limited, "ann", "bob")
    assert (ann.mode, ann.token, ann.click_mode, ann.click_token) == (Mode.OFF, None) * 2
    assert (bob.mode, bob.click_mode, bob.click_token) == (Mode.IDENTIFIED, Mode.OFF, None)
    assert bob.token


async def test_concurrent_calls_do_not_exceed_the_limit(limited: Clients) -> None:
    """Calls for different campaigns at the same time count the messages of a contact exactly."""
    names = [f"reader-{number}" for number in range(20)]
    for name in names:
        await limited.sender.preferences.set_preference(name, DoNotTrack.TRUE)
    calls = await asyncio.gather(*(_modes(limited, *names) for _ in range(3 * LIMIT)))
    for of_contact in zip(*calls, strict=True):
        assert sorted(of_contact) == [Mode.ANONYMOUS] * LIMIT + [Mode.OFF] * (2 * LIMIT)


async def test_the_limit_has_a_default(clients: Clients) -> None:
    """Two messages a week, so that a weekly newsletter never reaches it."""
    (tenant,) = [await clients.admin.admin.get_tenant()]
    assert tenant.policy.max_anonymous_messages == 26
