"""Writes that arrive more than once: one after another, at once, and too late."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from google.protobuf.message import Message

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, privacy_pb2, tracking_pb2
from hushpost_client import (
    AlreadyExistsError,
    CampaignStats,
    DoNotTrack,
    Event,
    Mode,
    PolicyUpdate,
    Proof,
)
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.mailing import GROUP, URLS, Mailing, clients_of, send
from tests.wire import METHODS, Wire

AT_ONCE = 8

Effect = Callable[[Mailing], Awaitable[int]]
"""How often a call has been carried out, as far as can be seen from outside."""


async def _opens(mailing: Mailing) -> int:
    return _total(await mailing.stats())


def _total(stats: CampaignStats) -> int:
    return stats.opens.human.identified.total + stats.clicks.human.identified.total


async def _campaigns(mailing: Mailing) -> int:
    return len([c async for c in mailing.clients.sender.campaigns.list_campaigns()])


async def _links(mailing: Mailing) -> int:
    campaign = await mailing.clients.sender.campaigns.get_campaign(mailing.campaign_id)
    return len(campaign.links)


async def _sent(mailing: Mailing) -> int:
    return (await mailing.stats()).sent.identified


async def _changes(mailing: Mailing) -> int:
    listed = mailing.clients.sender.preferences.list_preference_changes()
    return len([change async for change in listed])


async def _keys(mailing: Mailing) -> int:
    return len([key async for key in mailing.clients.admin.admin.list_api_keys()])


def _open(token: str) -> Message:
    return tracking_pb2.RecordOpenRequest(token=token)


def _click(token: str) -> Message:
    return tracking_pb2.RecordClickRequest(token=token, link_number=1)


def _events(token: str) -> Message:
    events = [tracking_pb2.Event(token=token, link_number=number) for number in (0, 0, 1)]
    return tracking_pb2.RecordEventsRequest(events=events)


def _campaign(_: str) -> Message:
    return campaign_pb2.CreateCampaignRequest(links=[campaign_pb2.Link(url=URLS[0])])


def _extension(_: str) -> Message:
    return campaign_pb2.ExtendCampaignRequest(
        campaign_id="spring", links=[campaign_pb2.Link(url=URLS[0])]
    )


def _tokens(_: str) -> Message:
    return campaign_pb2.IssueTokensRequest(
        campaign_id="spring", group_id=GROUP, contact_ids=["new", "ann"]
    )


def _preference(_: str) -> Message:
    return preference_pb2.SetPreferenceRequest(
        contact_id="bob", do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )


def _preferences(_: str) -> Message:
    entries = [
        preference_pb2.PreferenceEntry(contact_id=name, do_not_track=privacy_pb2.DO_NOT_TRACK_FALSE)
        for name in ("bob", "cid")
    ]
    return preference_pb2.BatchSetPreferencesRequest(entries=entries)


def _key(_: str) -> Message:
    return admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_SENDER)


WRITES: dict[str, tuple[Callable[[str], Message], Effect, int]] = {
    "RecordOpen": (_open, _opens, 1),
    "RecordClick": (_click, _opens, 1),
    "RecordEvents": (_events, _opens, 3),
    "CreateCampaign": (_campaign, _campaigns, 1),
    "ExtendCampaign": (_extension, _links, 1),
    "IssueTokens": (_tokens, _sent, 2),
    "SetPreference": (_preference, _changes, 1),
    "BatchSetPreferences": (_preferences, _changes, 2),
    "CreateApiKey": (_key, _keys, 1),
}
"""A request by the token of "ann", what shows that it was carried out, and by how much."""

KEYS = {"RecordOpen": "edge_key", "RecordClick": "edge_key", "RecordEvents": "edge_key"}
KEYS |= {"CreateApiKey": "admin_key"}

LATE = {"CreateTenant", "UpdatePolicy", "EraseContact"}
"""Writes that have a test of their own."""


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant whose numbers are exact."""
    return await make_tenant(authority, PolicyUpdate(quorum=1))


@pytest.fixture
async def mailing(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Mailing]:
    """A campaign that "ann" was sent."""
    async with AsyncExitStack() as stack:
        yield await send(await clients_of(stack, authority, keys=keys), ["ann"])


def test_every_write_is_tested() -> None:
    """Each RPC that takes a request_id is repeated in one of the tests below."""
    writes = {
        name for name, method in METHODS.items() if "request_id" in method.input_type.fields_by_name
    }
    assert writes == WRITES.keys() | LATE


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_that_is_repeated_counts_once(
    wire: Wire, keys: TenantKeys, mailing: Mailing, method: str
) -> None:
    """A write sent several times at once and again later, by one request_id, counts once."""
    build, effect, step = WRITES[method]
    request: Any = build(mailing.tokens["ann"])
    key = getattr(keys, KEYS.get(method, "sender_key"))
    before = await effect(mailing)
    request.request_id = str(uuid.uuid4())
    answers = await asyncio.gather(*(wire.call(method, request, key) for _ in range(AT_ONCE)))
    assert await effect(mailing) == before + step
    answers.append(await wire.call(method, request, key))
    assert await effect(mailing) == before + step
    _check_answers(method, answers)
    request.request_id = str(uuid.uuid4())
    await wire.call(method, _anew(method, request), key)
    assert await effect(mailing) == before + 2 * step, "another id is another request"


def _anew(method: str, request: Any) -> Any:
    """Return a request that has something to do once more."""
    if method == "SetPreference":
        request.do_not_track = privacy_pb2.DO_NOT_TRACK_FALSE
    if method == "BatchSetPreferences":
        for entry in request.entries:
            entry.do_not_track = privacy_pb2.DO_NOT_TRACK_TRUE
    return request


def _check_answers(method: str, answers: list[Any]) -> None:
    """Check that each answer is as good as the first, as far as the contract says so."""
    if method == "CreateApiKey":
        assert len({answer.api_key.key_id for answer in answers}) == 1
        assert sorted(bool(answer.secret) for answer in answers) == [False] * AT_ONCE + [True]
    elif method == "BatchSetPreferences":
        changed = [answer.changed_count for answer in answers]
        assert sorted(changed) == [0] * AT_ONCE + [2]
    elif method == "IssueTokens":
        tokens = [token.token for answer in answers for token in answer.tokens]
        assert all(tokens)
        assert len(tokens) == len(set(tokens)) == 2 * (AT_ONCE + 1)
    else:
        assert all(answer == answers[0] for answer in answers)


async def test_a_tenant_is_created_once(authority: RunningAuthority, wire: Wire) -> None:
    """The same tenant, asked for several times at once by one request_id, is created for all."""
    request = admin_pb2.CreateTenantRequest(
        tenant_id=f"t-{uuid.uuid4().hex[:12]}", request_id=str(uuid.uuid4())
    )
    answers = await asyncio.gather(
        *(wire.call("CreateTenant", request, authority.admin_key) for _ in range(AT_ONCE))
    )
    assert len({answer.tenant.create_time.ToNanoseconds() for answer in answers}) == 1
    request.request_id = str(uuid.uuid4())
    refusal = await wire.refusal("CreateTenant", request, authority.admin_key)
    assert refusal.reason == "TENANT_ALREADY_EXISTS"


async def test_a_late_repetition_does_not_undo_what_came_after(mailing: Mailing) -> None:
    """A preference or policy that has been changed since stays, when its first write is repeated."""
    preferences, admin = mailing.clients.sender.preferences, mailing.clients.admin.admin
    first, second = uuid.uuid4(), uuid.uuid4()
    await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=first)
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    again = await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=first)
    assert again.do_not_track is DoNotTrack.FALSE
    await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF), request_id=second)
    await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.IDENTIFIED))
    repeated = await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF), request_id=second)
    assert repeated.policy.mode_when_unset is Mode.IDENTIFIED


async def test_erasures_at_once_are_one(mailing: Mailing) -> None:
    """An erasure sent several times at once folds the contact's events once."""
    await mailing.open("ann")
    request_id = uuid.uuid4()
    erase = mailing.clients.sender.preferences.erase_contact
    await asyncio.gather(
        *(erase("ann", proof=Proof.DELETE, request_id=request_id) for _ in range(AT_ONCE))
    )
    opens = (await mailing.stats()).opens.human
    assert (opens.identified.total, opens.anonymous.total, opens.anonymous.unique) == (0, 1, 1)


async def test_request_ids_are_a_tenants_own(authority: RunningAuthority, mailing: Mailing) -> None:
    """The same request_id of another tenant or for another RPC is another request."""
    request_id = uuid.uuid4()
    async with AsyncExitStack() as stack:
        other = await send(await clients_of(stack, authority), ["ann"])
        mailings = (mailing, other)
        for sent in mailings:
            tracking, token = sent.clients.edge.tracking, sent.tokens["ann"]
            for _ in range(2):
                await tracking.record_open(token, request_id=request_id)
                await tracking.record_click(token, 1, request_id=request_id)
        both: Iterable[Event] = [Event(sent.tokens["ann"]) for sent in mailings]
        for _ in range(2):
            answer = await mailing.clients.edge.tracking.record_events(both, request_id=request_id)
            assert answer.accepted_count == 2
        for sent in mailings:
            stats = await sent.stats()
            assert stats.opens.human.identified.total == 2
            assert stats.clicks.human.identified.total == 1


async def test_a_refused_write_may_be_tried_again(mailing: Mailing) -> None:
    """A call that was refused leaves no receipt: mended, it is carried out by the same id."""
    campaigns = mailing.clients.sender.campaigns
    request_id = uuid.uuid4()
    with pytest.raises(AlreadyExistsError):
        await campaigns.create_campaign("spring", request_id=request_id)
    created = await campaigns.create_campaign("summer", request_id=request_id)
    assert created.campaign_id == "summer"
