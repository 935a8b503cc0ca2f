"""Releases of anonymous counts, as seen in reports."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from hushpost_client import (
    CampaignStats,
    Consent,
    DoNotTrack,
    Event,
    InvalidArgumentError,
    Mode,
    PolicyUpdate,
    PreferenceEntry,
    Release,
    Role,
    SignalStats,
    Verdict,
)
from hushpost_service.domain.release_plan import MIN_CELL
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.inspection import database_uri
from tests.mailing import clients_of, eventually

LARGE, SMALL, TINY = "large", "small", "tiny"
LINKS = ("https://shop.example.com/sale", "https://shop.example.com/imprint")
ENOUGH = MIN_CELL + 60
"""Anonymous messages with which a group has a cell of its own, in spite of noise."""

SOON = (timedelta(seconds=1), timedelta(days=300))


@pytest.fixture
async def noisy_clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant whose counts are released one second after the first message."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=SOON)
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, policy)


class Sending:
    """A campaign with a large and two small groups, whose large group is sent last."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.tokens: dict[str, list[str]] = {}

    async def begin(self, campaign_id: str = "spring") -> None:
        """Create the campaign and send to the small groups."""
        self.campaign_id = campaign_id
        await self.clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
        await self.clients.sender.campaigns.create_campaign(
            campaign_id, links=LINKS, groups=[LARGE, SMALL, TINY]
        )
        await self.send(LARGE, [f"large-{number}" for number in range(ENOUGH)])
        await self.send(SMALL, [*(f"small-{number}" for number in range(9)), "known"])
        await self.send(TINY, ["tiny"])

    async def send(self, group: str, contacts: list[str]) -> None:
        """Issue the tokens of messages."""
        issued = await self.clients.sender.campaigns.issue_tokens(self.campaign_id, group, contacts)
        self.tokens[group] = [token.token for token in issued.tokens if token.token]

    async def open(self, tokens: list[str]) -> None:
        """Record an open of each message."""
        await self.clients.edge.tracking.record_events(
            [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        )

    async def stats(self) -> CampaignStats:
        """Return the report."""
        return await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)

    async def released(self) -> CampaignStats:
        """Wait for the first release, and return the report."""

        async def is_released() -> bool:
            return (await self.stats()).release.release_time is not None

        await eventually(is_released, "the first date is released")
        return await self.stats()


@pytest.fixture
async def sending(noisy_clients: Clients) -> Sending:
    """A campaign that has just been sent."""
    campaign = Sending(noisy_clients)
    await campaign.begin()
    return campaign


def _estimates(signal: SignalStats) -> list[object]:
    parts = (signal.human, signal.machine)
    return [number for part in parts for number in (part.anonymous, part.aggregate, part.combined)]


async def test_nothing_is_shown_before_the_first_date(authority: RunningAuthority) -> None:
    """Before it, a report has identified numbers, totals of messages, and the date."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS)
        campaign = Sending(await clients_of(stack, authority, policy))
        await campaign.begin()
        await campaign.open([*campaign.tokens[SMALL], *campaign.tokens[LARGE]])
        stats = await campaign.stats()
    signals = [stats.opens, *(group.opens for group in stats.groups)]
    signals += [link.clicks for link in stats.links]
    assert {number for signal in signals for number in _estimates(signal)} == {None}
    assert stats.opens.human.identified.unique == 1
    assert (stats.sent.total, stats.sent.anonymous, stats.sent.identified) == (ENOUGH + 11, 0, 0)
    assert stats.other_groups is None
    assert (stats.release.exact, stats.release.epsilon) == (False, 2.0)
    assert stats.release.release_time is None
    assert stats.release.next_release_time is not None


async def test_large_groups_have_counts_of_their_own(sending: Sending) -> None:
    """A large group has estimates; the others share them, and the campaign is the sum."""
    stats = await sending.released()
    large, small, tiny = stats.groups
    assert None not in _estimates(large.opens)
    assert {*_estimates(small.opens), *_estimates(tiny.clicks)} == {None}
    assert stats.other_groups is not None
    assert None not in _estimates(stats.other_groups.opens)
    assert (stats.other_groups.sent.total, small.sent.total) == (11, 10)
    assert (small.sent.anonymous, small.sent.margin) == (0, 0)
    for sent, messages in ((large.sent, ENOUGH), (stats.sent, ENOUGH + 11)):
        assert sent.identified + sent.anonymous + sent.aggregate + sent.off == messages
        assert sent.anonymous == pytest.approx(messages, abs=60)
        assert 0 < sent.margin < 20


@pytest.mark.parametrize("declines_clicks", [False, True], ids=["of opens", "of clicks"])
async def test_one_purpose_with_many_anonymous_messages_suffices(
    noisy_clients: Clients, *, declines_clicks: bool
) -> None:
    """The group then has estimates of its own for both, and messages by mode of each."""
    opens, clicks = Consent.DENIED, Consent.GRANTED
    if declines_clicks:
        opens, clicks = clicks, opens
    names = [f"contact-{number}" for number in range(ENOUGH)]
    await noisy_clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(name, opens_consent=opens, clicks_consent=clicks) for name in names]
    )
    campaign = Sending(noisy_clients)
    campaign.campaign_id = "summer"
    await noisy_clients.sender.campaigns.create_campaign("summer", links=LINKS, groups=[LARGE])
    await campaign.send(LARGE, names)
    stats = await campaign.released()
    for numbers in (stats, stats.groups[0]):
        assert None not in (*_estimates(numbers.opens), *_estimates(numbers.clicks))
        identified, anonymous = numbers.sent, numbers.clicks_sent
        if not declines_clicks:
            identified, anonymous = anonymous, identified
        for found in (identified.identified, anonymous.anonymous):
            assert found == pytest.approx(ENOUGH, abs=60)
        assert identified.anonymous + anonymous.identified < 60
        assert identified.total == anonymous.total == ENOUGH
    assert stats.other_groups is None


async def test_a_report_never_changes_between_releases(sending: Sending) -> None:
    """Whatever happens after a release, its counts stay; identified counts are live."""
    before = await sending.released()
    await sending.open([*sending.tokens[LARGE], *sending.tokens[SMALL]])
    await sending.send(TINY, [f"late-{number}" for number in range(20)])
    await sending.clients.sender.campaigns.close_campaign("spring")
    await sending.clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    after = await sending.stats()
    assert after.release == before.release
    for old, new in ((before.opens, after.opens), (before.clicks, after.clicks)):
        assert new.human.anonymous == old.human.anonymous
        assert new.machine.aggregate == old.machine.aggregate
    assert after.sent.anonymous == before.sent.anonymous
    assert after.sent.total == before.sent.total + 20
    assert after.opens.human.identified.unique == 1
    combined = after.opens.human.combined
    assert combined is not None
    assert after.opens.human.anonymous is not None
    assert combined.unique == 1 + after.opens.human.anonymous.unique


async def test_estimates_are_within_their_margins(noisy_clients: Clients) -> None:
    """Of 20 campaigns, nearly all estimates of opens are within their margins."""
    within = 0
    campaigns = []
    for number in range(20):
        campaign = Sending(noisy_clients)
        await campaign.begin(f"campaign-{number}")
        await campaign.open(campaign.tokens[LARGE][:300])
        campaigns.append(campaign)
    for campaign in campaigns:
        stats = await campaign.released()
        estimate = stats.groups[0].opens.human.anonymous
        assert estimate is not None
        assert 0 <= estimate.unique <= ENOUGH
        late = stats.release.release_time is not None and estimate.unique < 150
        within += late or abs(estimate.unique - 300) <= estimate.margin
        rate = stats.rates.open_rate
        assert 0 <= rate.combined <= 1
        assert rate.combined == pytest.approx(rate.identified + rate.anonymous)
    assert within >= 15


async def test_a_campaign_keeps_the_settings_that_it_was_created_with(
    authority: RunningAuthority,
) -> None:
    """A changed policy applies to campaigns that are created afterwards."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, PolicyUpdate(epsilon=0.5))
        campaigns, admin = clients.sender.campaigns, clients.admin.admin
        await campaigns.create_campaign("before")
        await admin.update_policy(PolicyUpdate(epsilon=1.5))
        await campaigns.create_campaign("after")
        await admin.update_policy(PolicyUpdate(release=Release.EXACT))
        await campaigns.create_campaign("exact")
        found = [
            (await clients.reporter.stats.get_campaign_stats(name)).release
            for name in ("before", "after", "exact")
        ]
    assert [(release.exact, release.epsilon) for release in found] == [
        (False, 0.5),
        (False, 1.5),
        (True, 0),
    ]


async def test_the_operator_limits_what_policies_may_release(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A policy beyond the limits is rejected; a campaign of an older policy gets the limits."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, PolicyUpdate(release=Release.EXACT))
        strict = stack.enter_context(
            AuthorityProcess(
                tmp_path_factory.mktemp("strict"),
                *("--max-epsilon", "0.5"),
                *("--keyring", str(authority.process.data_dir / "keyring.json")),
                environment={
                    "HUSHPOST_DATABASE_URL": database_uri(authority.process.data_dir),
                    "HUSHPOST_ALLOW_EXACT": "false",
                },
            )
        )
        limited = RunningAuthority(strict, strict.target, authority.admin_key)
        admin = await stack.enter_async_context(limited.client(authority.admin_key))
        tenant = clients.tenant_id
        with pytest.raises(InvalidArgumentError, match="--max-epsilon"):
            await admin.admin.update_policy(PolicyUpdate(epsilon=0.6), tenant_id=tenant)
        with pytest.raises(InvalidArgumentError, match="--allow-exact"):
            await admin.admin.update_policy(PolicyUpdate(release=Release.EXACT), tenant_id=tenant)
        await admin.admin.update_policy(PolicyUpdate(retention_days=9), tenant_id=tenant)
        created = await admin.admin.create_tenant(f"{tenant}-new")
        assert (created.policy.release, created.policy.epsilon) == (Release.NOISY, 0.5)
        sender = await admin.admin.create_api_key(Role.SENDER, tenant_id=tenant)
        assert sender.secret is not None
        client = await stack.enter_async_context(limited.client(sender.secret))
        await client.campaigns.create_campaign("spring")
        stats = await clients.reporter.stats.get_campaign_stats("spring")
    assert (stats.release.exact, stats.release.epsilon) == (False, 0.5)
