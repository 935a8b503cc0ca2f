"""A compiled campaign and the real authority: registration, modes, streams."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest

import hushpost_mail
from hushpost_client import (
    AlreadyExistsError,
    DoNotTrack,
    ErrorReason,
    IssuedTokens,
    Mode,
    NotFoundError,
    PolicyUpdate,
    ResourceExhaustedError,
    UnavailableError,
    Verdict,
)
from hushpost_mail import Campaign, Parts, Recipient
from tests.conftest import Clients

from .undoing import TRACKING_URL

HTML = '<p><a href="https://example.com/a">a</a> <a href="https://example.com/b">b</a></p>'
TEXT = "https://example.com/a\n{{hushpost.preferences}}\n"
CLICK = re.compile(r"/c/([\w-]{56})/(\d+)")
OPEN = re.compile(r"/o/([\w-]{56})\.gif")


async def compiled(clients: Clients, **options: Any) -> Campaign[Parts[str]]:
    """Compile a campaign for two groups."""
    return await hushpost_mail.create_campaign(
        HTML,
        TEXT,
        hushpost=clients.sender,
        tracking_url=TRACKING_URL,
        groups=["a", "b"],
        **options,
    )


async def test_a_click_on_rendered_mail_counts(clients: Clients) -> None:
    """Opens and clicks of what was rendered are counted for the link that was rewritten."""
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=1))
    campaign = await compiled(clients)
    (rendered,) = [one async for one in campaign.render_all([("ada", "a")])]
    opened = OPEN.search(rendered.message.html or "")
    clicked = CLICK.findall(rendered.message.html or "") + CLICK.findall(
        rendered.message.text or ""
    )
    assert opened is not None
    await clients.edge.tracking.record_open(opened[1], verdict=Verdict.HUMAN)
    urls = [
        await clients.edge.tracking.record_click(token, int(number), verdict=Verdict.HUMAN)
        for token, number in clicked
    ]
    assert urls == ["https://example.com/a", "https://example.com/b", "https://example.com/a"]
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert [(link.label, link.clicks.human.identified.total) for link in stats.links] == [
        ("html:1", 1),
        ("html:2", 1),
        ("text:1", 1),
    ]


async def test_aggregate_messages_are_the_same_for_all(clients: Clients) -> None:
    """In AGGREGATE everybody in a group gets the same bytes, preference links aside."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.AGGREGATE))
    campaign = await compiled(clients)
    messages = [one async for one in campaign.render_all([("ada", "a"), ("bob", "a")])]
    assert [one.mode for one in messages] == [Mode.AGGREGATE] * 2
    assert len({one.message.html for one in messages}) == 1
    assert len({one.message.text for one in messages}) == 2
    assert len({(one.message.text or "").replace(one.preference_url, "") for one in messages}) == 1


async def test_off_has_a_preference_link_all_the_same(clients: Clients) -> None:
    """In OFF the message is the original, and its reader can still choose otherwise."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_true=Mode.OFF))
    await clients.sender.preferences.set_preference("ada", DoNotTrack.TRUE)
    campaign = await compiled(clients)
    (rendered,) = [one async for one in campaign.render_all([("ada", "a")])]
    assert rendered.mode is Mode.OFF
    assert rendered.message.html == HTML
    assert rendered.message.text == f"https://example.com/a\n{rendered.preference_url}\n"
    assert rendered.preference_url.startswith(f"{TRACKING_URL}/p/")


async def test_a_campaign_is_taken_up_by_the_same_message_alone(clients: Clients) -> None:
    """A second process that compiles the same message sends the same campaign; another can't."""
    first = await compiled(clients, campaign_id="spring")
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


@pytest.mark.parametrize("batch", [1, 7, 100])
async def test_a_stream_keeps_its_order(clients: Clients, batch: int) -> None:
    """Recipients of mixed groups come back in order, with their addresses, each counted once."""

    async def recipients() -> AsyncIterator[Recipient]:
        for number in range(50):
            yield Recipient(f"c-{number}", "ab"[number % 3 == 0], f"{number}@example.com")

    campaign = await compiled(clients)
    rendered = [one async for one in campaign.render_all(recipients(), batch=batch)]
    assert [(one.contact_id, one.address) for one in rendered] == [
        (f"c-{number}", f"{number}@example.com") for number in range(50)
    ]
    assert len({one.message.html for one in rendered}) == 50
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert [group.sent.identified for group in stats.groups] == [33, 17]


async def test_a_run_that_is_repeated_counts_once(clients: Clients) -> None:
    """After a crash the same recipients under the same run id are not counted as sent again."""
    campaign = await compiled(clients)
    recipients = [(f"c-{number}", "a") for number in range(30)]
    run_id = uuid4()
    async with aclosing(campaign.render_all(recipients, run_id=run_id, batch=10)) as run:
        async for _ in run:
            break
    assert [one async for one in campaign.render_all(recipients, run_id=run_id, batch=10)]
    stats = await clients.reporter.stats.get_campaign_stats(campaign.campaign_id)
    assert stats.groups[0].sent.identified == 30


async def test_an_unknown_group_is_an_error(clients: Clients) -> None:
    """A group that the campaign does not go to ends the stream with the authority's reason."""
    campaign = await compiled(clients)
    with pytest.raises(NotFoundError) as caught:
        _ = [one async for one in campaign.render_all([("ada", "a"), ("bob", "nobody")])]
    assert caught.value.reason == ErrorReason.GROUP_NOT_FOUND


async def test_a_small_anonymous_group_is_named(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names groups whose anonymous numbers may never be published, and no contact."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
    campaign = await compiled(clients)
    recipients = [*((f"c-{number}", "a") for number in range(12)), ("ada", "b")]
    _ = [one async for one in campaign.render_all(recipients, batch=5)]
    (warning,) = caplog.messages
    assert "than the quorum: b" in warning


class _Faulty:
    """Campaigns of an authority that fails first."""

    def __init__(self, campaigns: Any, *failures: Exception) -> None:
        self._campaigns = campaigns
        self._failures = list(failures)
        self.request_ids: list[Any] = []

    async def issue_tokens(self, *arguments: Any, **options: Any) -> IssuedTokens:
        """Fail, or pass the call on."""
        self.request_ids.append(options["request_id"])
        if self._failures:
            raise self._failures.pop(0)
        answer: IssuedTokens = await self._campaigns.issue_tokens(*arguments, **options)
        return answer


async def test_a_batch_is_insisted_on_under_one_request_id(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the authority is away or overloaded a batch is tried again, and counts once."""
    campaign = await compiled(clients)
    faulty = _Faulty(
        clients.sender.campaigns,
        UnavailableError("away"),
        ResourceExhaustedError("busy", retry_after=0.01),
    )
    monkeypatch.setattr(clients.sender, "campaigns", faulty)
    assert len([one async for one in campaign.render_all([("ada", "a")])]) == 1
    assert len(faulty.request_ids) == 3
    assert len(set(faulty.request_ids)) == 1


async def test_patience_ends(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """When patience is over, and where waiting does not help, the error is the caller's."""
    campaign = await compiled(clients)
    for error in (UnavailableError("away"), ResourceExhaustedError("too big")):
        faulty = _Faulty(clients.sender.campaigns, error)
        with monkeypatch.context() as patch:
            patch.setattr(clients.sender, "campaigns", faulty)
            with pytest.raises(type(error)):
                _ = [one async for one in campaign.render_all([("ada", "a")], patience=0)]


async def test_a_run_that_is_left_leaves_nothing_behind(clients: Clients) -> None:
    """Leaving the loop early ends what was asked for ahead of use."""
    campaign = await compiled(clients)
    before = len(asyncio.all_tasks())
    recipients = ((f"c-{number}", "a") for number in range(10_000))
    async with aclosing(campaign.render_all(recipients, batch=10)) as run:
        async for _ in run:
            break
    assert len(asyncio.all_tasks()) == before
    assert next(recipients) == ("c-30", "a")


async def test_a_batch_has_bounds(clients: Clients) -> None:
    """A batch that the authority would not take is refused at once."""
    campaign = await compiled(clients)
    for batch in (0, 10_001):
        with pytest.raises(ValueError, match="1 to 10000"):
            _ = [one async for one in campaign.render_all([("ada", "a")], batch=batch)]
