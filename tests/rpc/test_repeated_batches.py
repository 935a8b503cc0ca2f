"""A repeated batch gets the first verdicts, also if its items would be judged differently now."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hushpost_client import ErrorReason, Event, RecordedEvents
from tests.conftest import RunningAuthority
from tests.mailing import GROUP, URLS, Mailing, clients_of, send


@pytest.fixture
async def mailing(authority: RunningAuthority) -> AsyncIterator[Mailing]:
    """A campaign with two links and messages to "ann" and "bob"."""
    async with AsyncExitStack() as stack:
        yield await send(await clients_of(stack, authority), ["ann", "bob"])


async def _clicks(mailing: Mailing) -> int:
    return (await mailing.stats()).clicks.human.identified.total


def _rejected(result: RecordedEvents) -> list[tuple[int, ErrorReason | None]]:
    return [(rejected.index, rejected.reason) for rejected in result.rejected]


async def test_a_link_that_is_added_later_does_not_change_the_verdict(mailing: Mailing) -> None:
    """The click on it was not recorded, and must not be taken for recorded."""
    events = [
        Event(mailing.tokens["ann"], link_number=1),
        Event(mailing.tokens["bob"], link_number=3),
        Event("x" * 56, link_number=1),
    ]
    record = mailing.clients.edge.tracking.record_events
    request = uuid.uuid4()
    first = await record(events, request_id=request)
    expected = [(1, ErrorReason.LINK_NOT_FOUND), (2, ErrorReason.TOKEN_INVALID)]
    assert _rejected(first) == expected
    await mailing.clients.sender.campaigns.extend_campaign("spring", links=[URLS[0]])
    again = await asyncio.gather(*(record(events, request_id=request) for _ in range(3)))
    assert [_rejected(result) for result in again] == [expected] * 3
    assert await _clicks(mailing) == 1
    # Under another id it is another request.
    assert _rejected(await record(events[1:])) == [(1, ErrorReason.TOKEN_INVALID)]
    assert await _clicks(mailing) == 2


async def test_verdicts_are_kept_by_tenant(authority: RunningAuthority, mailing: Mailing) -> None:
    """A batch of two tenants is executed for each; each keeps its own verdicts."""
    async with AsyncExitStack() as stack:
        other = await send(await clients_of(stack, authority), ["cid"])
        events = [
            Event(mailing.tokens["ann"], link_number=1),
            Event(other.tokens["cid"], link_number=3),
            Event(other.tokens["cid"], link_number=1),
        ]
        record = mailing.clients.edge.tracking.record_events
        request = uuid.uuid4()
        first = await record(events, request_id=request)
        assert _rejected(first) == [(1, ErrorReason.LINK_NOT_FOUND)]
        await other.clients.sender.campaigns.extend_campaign("spring", links=[URLS[0]])
        again = await record(events, request_id=request)
        assert _rejected(again) == [(1, ErrorReason.LINK_NOT_FOUND)]
        assert (await _clicks(mailing), await _clicks(other)) == (1, 1)


async def test_a_tenant_of_which_nothing_was_recorded_is_judged_again(mailing: Mailing) -> None:
    """Nothing was claimed for it, so its items are recorded now."""
    record = mailing.clients.edge.tracking.record_events
    request = uuid.uuid4()
    events = [Event(mailing.tokens["ann"], link_number=3)]
    assert _rejected(await record(events, request_id=request)) == [(0, ErrorReason.LINK_NOT_FOUND)]
    await mailing.clients.sender.campaigns.extend_campaign("spring", links=[URLS[0]])
    issued = await mailing.clients.sender.campaigns.issue_tokens("spring", GROUP, ["dan"])
    assert issued.tokens[0].token
    assert _rejected(await record(events, request_id=request)) == []
    assert await _clicks(mailing) == 1
