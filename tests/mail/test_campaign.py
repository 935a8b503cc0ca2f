"""Campaigns against a real authority: registration, modes, batches and retries."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

import hushpost_mail
from hushpost_client import (
    AlreadyExistsError,
    Consent,
    DoNotTrack,
    ErrorReason,
    FailedPreconditionError,
    IssuedTokens,
    Mode,
    NewGroup,
    NotFoundError,
    PolicyUpdate,
    Release,
    ResourceExhaustedError,
    Role,
    UnavailableError,
    Verdict,
)
from hushpost_mail import Campaign, Parts, Recipient
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, database_uri, on, tenant_number

from .rendered_html import TRACKING_URL

HTML = '<p><a href="https://example.com/a">a</a> <a href="https://example.com/b">b</a></p>'
TEXT = "https://example.com/a\n{{hushpost.preferences}}\n"
REDIRECT_PATH = re.compile(r"/c/([\w-]{56})/(\d+)")
PIXEL_PATH = re.compile(r"/o/([\w-]{56})\.gif")


_GROUP_SIZES = """
select campaign_id, group_id, expected_messages
from campaign_groups join campaigns using (tenant, campaign)
where tenant = $1
order by campaign_id, group_id
"""


async def create_campaign(clients: Clients, **options: Any) -> Campaign[Parts[str]]:
    """Create a campaign with the groups "a" and "b"."""
    return await hushpost_mail.create_campaign(
        HTML,
        TEXT,
        hushpost=clients.sender,
        tracking_url=TRACKING_URL,
        groups=["a", "b"],
        **options,
    )


async def test_opens_and_clicks_of_a_rendered_message_are_counted(clients: Clients) -> None:
    """Tokens in a rendered message count for the links that were rewritten."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    campaign = await create_campaign(clients)
    (rendered,) = [message async for message in campaign.render_all([("ada", "a")])]
    html, text = rendered.message.html or "", rendered.message.text or ""
    pixel = PIXEL_PATH.search(html)
    assert pixel is not None
    await clients.edge.tracking.record_open(pixel[1], verdict=Verdict.HUMAN)
    urls = [
        await clients.edge.tracking.record_click(token, int(number), verdict=Verdict.HUMAN)
        for token, number in REDIRECT_PATH.findall(html) + REDIRECT_PATH.findall(text)
    ]
    assert urls == ["https://example.com/a", "https://example.com/b", "https://example.com/a"]
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert [(link.label, link.clicks.human.identified.total) for link in stats.links] == [
        ("html:1", 1),
        ("html:2", 1),
        ("text:1", 1),
    ]


async def test_aggregate_messages_of_a_group_are_identical(clients: Clients) -> None:
    """In mode AGGREGATE, messages of a group differ only in their preference links."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.AGGREGATE))
    campaign = await create_campaign(clients)
    recipients = [("ada", "a"), ("bob", "a")]
    rendered = [message async for message in campaign.render_all(recipients)]
    texts = [(one.message.text or "", one.preference_url) for one in rendered]
    assert [one.mode for one in rendered] == [Mode.AGGREGATE] * 2
    assert len({one.message.html for one in rendered}) == 1
    assert len({text for text, _ in texts}) == 2
    assert len({text.replace(preference_url, "") for text, preference_url in texts}) == 1


async def test_an_off_message_has_a_preference_link(clients: Clients) -> None:
    """In mode OFF, the message is the source with its preference links filled in."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_true=Mode.OFF))
    await clients.sender.preferences.set_preference("ada", DoNotTrack.TRUE)
    campaign = await create_campaign(clients)
    (rendered,) = [message async for message in campaign.render_all([("ada", "a")])]
    assert rendered.mode is Mode.OFF
    assert rendered.message.html == HTML
    assert rendered.message.text == f"https://example.com/a\n{rendered.preference_url}\n"
    assert rendered.preference_url.startswith(f"{TRACKING_URL}/p/")


async def test_opens_and_clicks_have_their_own_tokens(clients: Clients) -> None:
    """A contact that declined one purpose is counted by name for the other."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    set_preference = clients.sender.preferences.set_preference
    await set_preference("ada", opens_consent=Consent.DENIED, clicks_consent=Consent.GRANTED)
    await set_preference("bob", opens_consent=Consent.GRANTED, clicks_consent=Consent.DENIED)
    campaign = await create_campaign(clients)
    rendered = [message async for message in campaign.render_all([("ada", "a"), ("bob", "a")])]
    assert [(message.mode, message.click_mode) for message in rendered] == [
        (Mode.ANONYMOUS, Mode.IDENTIFIED),
        (Mode.IDENTIFIED, Mode.ANONYMOUS),
    ]
    for message in rendered:
        html = message.message.html or ""
        (pixel,), ((token, number), *_) = PIXEL_PATH.findall(html), REDIRECT_PATH.findall(html)
        assert pixel != token
        await clients.edge.tracking.record_open(pixel, verdict=Verdict.HUMAN)
        await clients.edge.tracking.record_click(token, int(number), verdict=Verdict.HUMAN)
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    for signal in (stats.opens.human, stats.clicks.human):
        assert signal.anonymous
        assert (signal.identified.unique, signal.anonymous.unique) == (1, 1)
    engaged = clients.reporter.stats.list_engaged_contacts(campaign.campaign_id)
    assert {(one.contact_id, one.open_count, one.click_count) async for one in engaged} == {
        ("ada", 0, 1),
        ("bob", 1, 0),
    }


async def test_the_default_tracking_domain_is_used_unless_another_is_given(
    clients: Clients, database: Connection
) -> None:
    """Links lead to the tenant's default domain; without one, the URL is required."""

    async def template(**options: Any) -> str:
        campaign = await hushpost_mail.create_campaign(HTML, hushpost=clients.sender, **options)
        return str(campaign.template.preference_url("token"))

    with pytest.raises(ValueError, match="default tracking domain"):
        await template()
    name = f"links.n-{uuid4().hex[:12]}.example"
    await clients.admin.domains.add_tracking_domain(name)
    await database.execute(
        "update tracking_domains set verify_time = now() where domain = $1", name
    )
    with pytest.raises(ValueError, match="default tracking domain"):
        await template()
    await clients.admin.admin.update_policy(PolicyUpdate(default_tracking_domain=name))
    assert await template() == f"https://{name}/p/token"
    assert await template(tracking_url=TRACKING_URL) == f"{TRACKING_URL}/p/token"


async def test_a_campaign_with_another_limit_of_modes_is_not_reused(clients: Clients) -> None:
    """Otherwise messages would reveal more than the sender asked for."""
    options: dict[str, Any] = {"hushpost": clients.sender, "tracking_url": TRACKING_URL}
    minors = NewGroup("minors", max_mode=Mode.AGGREGATE)

    async def create(*groups: NewGroup | str, max_mode: Mode | None = None) -> None:
        await hushpost_mail.create_campaign(
            HTML, campaign_id="spring", groups=groups, max_mode=max_mode, **options
        )

    await create("a", minors, max_mode=Mode.ANONYMOUS)
    await create("a", "minors")
    await create(minors, max_mode=Mode.ANONYMOUS)
    for groups, max_mode in (
        (["a"], Mode.AGGREGATE),
        (["a"], Mode.IDENTIFIED),
        ([NewGroup("a", max_mode=Mode.AGGREGATE)], None),
        ([NewGroup("minors", max_mode=Mode.ANONYMOUS)], None),
    ):
        with pytest.raises(AlreadyExistsError):
            await create(*groups, max_mode=max_mode)


async def test_a_campaign_declares_the_sizes_of_its_groups(
    authority: RunningAuthority, clients: Clients
) -> None:
    """Sizes come with the ids of groups, or with `NewGroup`."""
    declared: dict[str, Mapping[str, int] | list[NewGroup | str]] = {
        "counted": Counter(["a", "b", "a"]),
        "named": ["b", NewGroup("a", expected_messages=2)],
    }
    for campaign_id, groups in declared.items():
        await hushpost_mail.create_campaign(
            HTML,
            TEXT,
            hushpost=clients.sender,
            tracking_url=TRACKING_URL,
            campaign_id=campaign_id,
            groups=groups,
        )
    async with on(database_uri(authority.process.data_dir)) as database:
        found = await database.fetch(_GROUP_SIZES, await tenant_number(database, clients.tenant_id))
    assert [tuple(row) for row in found] == [
        ("counted", "a", 2),
        ("counted", "b", 1),
        ("named", "a", 2),
        ("named", "b", 16_384),
    ]


async def test_an_existing_campaign_is_reused_if_its_links_match(clients: Clients) -> None:
    """The same message reuses the campaign and adds groups; another message is an error."""
    first = await create_campaign(clients, campaign_id="spring")
    second = await hushpost_mail.create_campaign(
        HTML,
        TEXT,
        hushpost=clients.sender,
        tracking_url=TRACKING_URL,
        campaign_id="spring",
        groups=["b", "c"],
    )
    assert second.links == first.links
    registered = await clients.sender.campaigns.get_campaign("spring")
    assert registered.groups == ("a", "b", "c")
    with pytest.raises(AlreadyExistsError):
        await hushpost_mail.create_campaign(
            "<a href='https://example.com/other'>x</a>",
            hushpost=clients.sender,
            tracking_url=TRACKING_URL,
            campaign_id="spring",
        )


@pytest.mark.parametrize("batch_size", [1, 7, 100])
async def test_messages_are_rendered_in_order(clients: Clients, batch_size: int) -> None:
    """Recipients of mixed groups keep their order and addresses, and are counted once."""

    async def recipients() -> AsyncIterator[Recipient]:
        for number in range(50):
            yield Recipient(f"c-{number}", "ab"[number % 3 == 0], f"{number}@example.com")

    campaign = await create_campaign(clients)
    rendered = [
        message async for message in campaign.render_all(recipients(), batch_size=batch_size)
    ]
    assert [(one.contact_id, one.address) for one in rendered] == [
        (f"c-{number}", f"{number}@example.com") for number in range(50)
    ]
    assert len({one.message.html for one in rendered}) == 50
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert [group.sent.total for group in stats.groups] == [33, 17]


async def test_a_resumed_run_is_counted_once(clients: Clients) -> None:
    """Repeating a run after a crash with the same run_id counts each message as sent once."""
    campaign = await create_campaign(clients)
    recipients = [(f"c-{number}", "a") for number in range(30)]
    run_id = uuid4()
    run = campaign.render_all(recipients, run_id=run_id, batch_size=10)
    async with aclosing(run) as crashed_run:
        async for _ in crashed_run:
            break
    resumed_run = campaign.render_all(recipients, run_id=run_id, batch_size=10)
    assert [message async for message in resumed_run]
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert stats.groups[0].sent.total == 30


async def test_an_unknown_group_is_an_error(clients: Clients) -> None:
    """A recipient of a group that the campaign does not have raises GROUP_NOT_FOUND."""
    campaign = await create_campaign(clients)
    recipients = [("ada", "a"), ("bob", "unknown")]
    with pytest.raises(NotFoundError) as caught:
        _ = [message async for message in campaign.render_all(recipients)]
    assert caught.value.reason == ErrorReason.GROUP_NOT_FOUND


class FailingCampaigns:
    """Stands in for `Hushpost.campaigns`: raises the given errors first, then calls through."""

    def __init__(self, campaigns: Any, *errors: Exception) -> None:
        self._campaigns = campaigns
        self._errors = list(errors)
        self.request_ids: list[Any] = []

    async def issue_tokens(self, *arguments: Any, **options: Any) -> IssuedTokens:
        """Raise the next error, or issue tokens."""
        self.request_ids.append(options["request_id"])
        if self._errors:
            raise self._errors.pop(0)
        issued: IssuedTokens = await self._campaigns.issue_tokens(*arguments, **options)
        return issued


async def test_retries_of_a_batch_share_one_request_id(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is retried after UNAVAILABLE and overload under the same idempotency key."""
    campaign = await create_campaign(clients)
    campaigns = FailingCampaigns(
        clients.sender.campaigns,
        UnavailableError("away"),
        ResourceExhaustedError("busy", retry_after=0.01),
    )
    monkeypatch.setattr(clients.sender, "campaigns", campaigns)
    assert len([message async for message in campaign.render_all([("ada", "a")])]) == 1
    assert len(campaigns.request_ids) == 3
    assert len(set(campaigns.request_ids)) == 1


async def test_retries_end(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is raised after `retry_seconds`, or at once if a retry cannot help."""
    campaign = await create_campaign(clients)
    for error in (UnavailableError("away"), ResourceExhaustedError("too big")):
        campaigns = FailingCampaigns(clients.sender.campaigns, error)
        with monkeypatch.context() as patch:
            patch.setattr(clients.sender, "campaigns", campaigns)
            run = campaign.render_all([("ada", "a")], retry_seconds=0)
            with pytest.raises(type(error)):
                _ = [message async for message in run]


async def test_leaving_a_run_early_cancels_its_requests(clients: Clients) -> None:
    """Leaving the loop cancels the prefetching, which has read only a few batches."""
    campaign = await create_campaign(clients)
    tasks_before = len(asyncio.all_tasks())
    recipients = ((f"c-{number}", "a") for number in range(10_000))
    async with aclosing(campaign.render_all(recipients, batch_size=10)) as run:
        async for _ in run:
            break
    assert len(asyncio.all_tasks()) == tasks_before
    assert next(recipients) == ("c-30", "a")


async def test_the_batch_size_is_checked(clients: Clients) -> None:
    """A batch size that the authority would reject is a ValueError."""
    campaign = await create_campaign(clients)
    for batch_size in (0, 10_001):
        run = campaign.render_all([("ada", "a")], batch_size=batch_size)
        with pytest.raises(ValueError, match="between 1 and 10000"):
            _ = [message async for message in run]


async def test_another_api_key_sends_with_the_issue_key(
    authority: RunningAuthority, clients: Clients
) -> None:
    """It reuses the campaign, but cannot issue tokens unless it is given the issue key."""
    first = await create_campaign(clients, campaign_id="spring")
    made = await clients.admin.admin.create_api_key(Role.SENDER)
    assert made.secret
    async with authority.client(made.secret) as other:
        sender = replace(clients, sender=other)
        with pytest.raises(FailedPreconditionError) as caught:
            await _rendered(await create_campaign(sender, campaign_id="spring"))
        assert caught.value.reason is ErrorReason.ISSUE_KEY_REQUIRED
        second = await create_campaign(sender, campaign_id="spring", issue_key=first.issue_key)
        assert await _rendered(second)


async def _rendered(campaign: Campaign[Parts[str]]) -> list[str]:
    return [message.contact_id async for message in campaign.render_all([("ada", "a")])]
