"""A preview of modes says what `IssueTokens` would decide, and changes nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import product

import pytest

from hushpost_client import (
    Consent,
    ConsentModes,
    ErrorReason,
    HushpostError,
    Mode,
    NewGroup,
    PolicyUpdate,
    PreferenceEntry,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, contents, tenant_number
from tests.mailing import clients_of

DECIDED = [
    PreferenceEntry(f"{opens} {clicks}", opens_consent=opens, clicks_consent=clicks)
    for opens, clicks in product(Consent, repeat=2)
]
CONTACTS = [*(entry.contact_id for entry in DECIDED), "unknown", "unknown too", "unknown"]
LIMITS = (Mode.IDENTIFIED, Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF)


@pytest.fixture
async def varied(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """The clients of a tenant with a different mode for each consent and purpose."""
    policy = PolicyUpdate(
        opens_modes=ConsentModes(when_unknown=Mode.AGGREGATE, when_withdrawn=Mode.OFF),
        clicks_modes=ConsentModes(when_unknown=Mode.ANONYMOUS, when_denied=Mode.AGGREGATE),
        record_last_opens=True,
    )
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, policy)
        await clients.sender.preferences.batch_set_preferences(DECIDED)
        groups = [NewGroup(limit.lower(), max_mode=limit) for limit in LIMITS]
        for limit in LIMITS:
            await clients.sender.campaigns.create_campaign(
                f"at most {limit}", groups=groups, max_mode=limit
            )
        yield clients


async def _previewed(
    clients: Clients, campaign: str | None = None, group: str | None = None
) -> list[tuple[str, Mode | None, Mode | None]]:
    modes = await clients.sender.campaigns.preview_modes(
        CONTACTS, campaign_id=campaign, group_id=group
    )
    return [(each.contact_id, each.mode, each.click_mode) for each in modes]


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_preview_says_what_is_issued(varied: Clients, limit: Mode) -> None:
    """For each combination of consents, under each limit of campaign and group."""
    campaign = f"at most {Mode.ANONYMOUS}"
    previewed = await _previewed(varied, campaign, limit.lower())
    issued = await varied.sender.campaigns.issue_tokens(campaign, limit.lower(), CONTACTS[:-1])
    assert previewed[:-1] == [
        (token.contact_id, token.mode, token.click_mode) for token in issued.tokens
    ]
    assert previewed[-1] == previewed[-3]


async def test_without_a_campaign_there_is_no_limit(varied: Clients) -> None:
    """The preview is that of a campaign that is created now, for contacts as they are now."""
    assert await _previewed(varied) == await _previewed(varied, "at most IDENTIFIED", "identified")
    await varied.sender.preferences.set_preference(
        "unknown", opens_consent=Consent.GRANTED, clicks_consent=Consent.GRANTED
    )
    # Consent given later applies to later campaigns.
    await varied.sender.preferences.set_preference("DENIED DENIED", clicks_consent=Consent.GRANTED)
    now = {name: modes for name, *modes in await _previewed(varied)}
    before = {
        name: modes for name, *modes in await _previewed(varied, "at most IDENTIFIED", "identified")
    }
    assert now["unknown"] == [Mode.IDENTIFIED, Mode.IDENTIFIED]
    assert now["DENIED DENIED"] == [Mode.ANONYMOUS, Mode.IDENTIFIED]
    assert before["DENIED DENIED"] == [Mode.ANONYMOUS, Mode.AGGREGATE]


async def test_a_preview_changes_nothing(varied: Clients, database: Connection) -> None:
    """No row of any table: no contact, no message, no date of a last open."""
    tenant = await tenant_number(database, varied.tenant_id)
    before = await contents(database, [tenant])
    await _previewed(varied)
    for group in ("identified", "aggregate"):
        await _previewed(varied, "at most IDENTIFIED", group)
    assert await contents(database, [tenant]) == before


@pytest.mark.parametrize(
    ("campaign", "group", "reason"),
    [
        ("nonsense", "identified", ErrorReason.CAMPAIGN_NOT_FOUND),
        ("at most OFF", "nonsense", ErrorReason.GROUP_NOT_FOUND),
        ("at most OFF", None, ErrorReason.GROUP_NOT_FOUND),
        (None, "identified", ErrorReason.FIELD_INVALID),
    ],
)
async def test_the_campaign_must_have_the_group(
    varied: Clients, campaign: str | None, group: str | None, reason: ErrorReason
) -> None:
    """A campaign needs a group, and a group a campaign."""
    with pytest.raises(HushpostError) as caught:
        await _previewed(varied, campaign, group)
    assert caught.value.reason is reason
