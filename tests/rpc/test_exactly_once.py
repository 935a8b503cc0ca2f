"""Repeated requests with the same request_id (idempotency key) are carried out once."""

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
    DoNotTrack,
    Event,
    Mode,
    PolicyUpdate,
    Proof,
    Release,
)
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.mailing import GROUP, URLS, Mailing, clients_of, exact_count, send
from tests.wire import METHODS, Wire

REPETITIONS = 8
"""Concurrent calls with the same request_id."""

Effect = Callable[[Mailing], Awaitable[int]]
"""Counts the effects of a call, as far as clients can see them."""


async def _events_recorded(mailing: Mailing) -> int:
    stats = await mailing.stats()
    return stats.opens.human.identified.total + stats.clicks.human.identified.total


async def _campaigns(mailing: Mailing) -> int:
    return len([c async for c in mailing.clients.sender.campaigns.list_campaigns()])


async def _links(mailing: Mailing) -> int:
    campaign = await mailing.clients.sender.campaigns.get_campaign(mailing.campaign_id)
    return len(campaign.links)


async def _messages_sent(mailing: Mailing) -> int:
    sent = (await mailing.stats()).sent
    return sent.identified + sent.aggregate


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
    "RecordOpen": (_open, _events_recorded, 1),
    "RecordClick": (_click, _events_recorded, 1),
    "RecordEvents": (_events, _events_recorded, 3),
    "CreateCampaign": (_campaign, _campaigns, 1),
    "ExtendCampaign": (_extension, _links, 1),
    "IssueTokens": (_tokens, _messages_sent, 2),
    "SetPreference": (_preference, _changes, 1),
    "BatchSetPreferences": (_preferences, _changes, 2),
    "CreateApiKey": (_key, _keys, 1),
}
"""By RPC: builds a request from ann's token, counts its effects, and their expected number."""

KEYS = {"RecordOpen": "edge_key", "RecordClick": "edge_key", "RecordEvents": "edge_key"}
KEYS |= {"CreateApiKey": "admin_key"}

WITH_OWN_TEST = {
    "CreateTenant",
    "UpdatePolicy",
    "EraseContact",
    "AddTrackingDomain",
    "RemoveTrackingDomain",
}
"""RPCs with a request_id that have separate tests."""


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant with exact counts."""
    return await make_tenant(authority, PolicyUpdate(release=Release.EXACT))


@pytest.fixture
async def mailing(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Mailing]:
    """A campaign with one message, to "ann"."""
    async with AsyncExitStack() as stack:
        yield await send(await clients_of(stack, authority, keys=keys), ["ann"])


def test_every_rpc_with_a_request_id_is_tested() -> None:
    """Each RPC that takes a request_id is repeated by one of the tests below."""
    writes = {
        name for name, method in METHODS.items() if "request_id" in method.input_type.fields_by_name
    }
    assert writes == WRITES.keys() | WITH_OWN_TEST


@pytest.mark.parametrize("method", WRITES)
async def test_repeating_a_request_id_has_one_effect(
    wire: Wire, keys: TenantKeys, mailing: Mailing, method: str
) -> None:
    """Calls with the same request_id, concurrent or later, are carried out once."""
    build, count_effects, effects = WRITES[method]
    request: Any = build(mailing.tokens["ann"])
    key = getattr(keys, KEYS.get(method, "sender_key"))
    before = await count_effects(mailing)
    request.request_id = str(uuid.uuid4())
    responses = await asyncio.gather(*(wire.call(method, request, key) for _ in range(REPETITIONS)))
    assert await count_effects(mailing) == before + effects
    responses.append(await wire.call(method, request, key))
    assert await count_effects(mailing) == before + effects
    _check_responses(method, responses)
    request.request_id = str(uuid.uuid4())
    await wire.call(method, _changed(method, request), key)
    assert await count_effects(mailing) == before + 2 * effects, "a new request_id is a new request"


def _changed(method: str, request: Any) -> Any:
    """Change the request so that it has an effect when carried out again."""
    if method == "SetPreference":
        request.do_not_track = privacy_pb2.DO_NOT_TRACK_FALSE
    if method == "BatchSetPreferences":
        for entry in request.entries:
            entry.do_not_track = privacy_pb2.DO_NOT_TRACK_TRUE
    return request


def _check_responses(method: str, responses: list[Any]) -> None:
    """Check that repeated calls get the response that the protos document."""
    if method == "CreateApiKey":
        assert len({response.api_key.key_id for response in responses}) == 1
        assert sorted(bool(response.secret) for response in responses) == [False] * REPETITIONS + [
            True
        ]
    elif method == "BatchSetPreferences":
        changed = [response.changed_count for response in responses]
        assert sorted(changed) == [0] * REPETITIONS + [2]
    elif method == "IssueTokens":
        tokens = [token.token for response in responses for token in response.tokens]
        assert all(tokens)
        assert len(set(tokens)) == 2, "each call returns the same tokens"
    else:
        assert all(response == responses[0] for response in responses)


async def test_repeating_create_tenant_creates_one_tenant(
    authority: RunningAuthority, wire: Wire
) -> None:
    """Concurrent CreateTenant calls with one request_id all return the same tenant."""
    request = admin_pb2.CreateTenantRequest(
        tenant_id=f"t-{uuid.uuid4().hex[:12]}", request_id=str(uuid.uuid4())
    )
    responses = await asyncio.gather(
        *(wire.call("CreateTenant", request, authority.admin_key) for _ in range(REPETITIONS))
    )
    assert len({response.tenant.create_time.ToNanoseconds() for response in responses}) == 1
    request.request_id = str(uuid.uuid4())
    refusal = await wire.refusal("CreateTenant", request, authority.admin_key)
    assert refusal.reason == "TENANT_ALREADY_EXISTS"


async def test_a_late_repetition_does_not_undo_a_newer_change(mailing: Mailing) -> None:
    """Repeating an old request does not revert a preference or policy that changed since."""
    preferences, admin = mailing.clients.sender.preferences, mailing.clients.admin.admin
    first, second = uuid.uuid4(), uuid.uuid4()
    await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=first)
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    repeated = await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=first)
    assert repeated.do_not_track is DoNotTrack.FALSE
    await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF), request_id=second)
    await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.IDENTIFIED))
    tenant = await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF), request_id=second)
    assert tenant.policy.mode_when_unset is Mode.IDENTIFIED


async def test_concurrent_erasures_anonymize_events_once(mailing: Mailing) -> None:
    """Concurrent EraseContact calls with one request_id anonymize the events once."""
    await mailing.open("ann")
    request_id = uuid.uuid4()
    erase = mailing.clients.sender.preferences.erase_contact
    await asyncio.gather(
        *(erase("ann", proof=Proof.DELETE, request_id=request_id) for _ in range(REPETITIONS))
    )
    opens = (await mailing.stats()).opens.human
    assert (
        opens.identified.total,
        exact_count(opens.anonymous).total,
        exact_count(opens.anonymous).unique,
    ) == (0, 1, 1)


async def test_request_ids_are_scoped_to_tenant_and_rpc(
    authority: RunningAuthority, mailing: Mailing
) -> None:
    """The same request_id in another tenant or for another RPC is a different request."""
    request_id = uuid.uuid4()
    async with AsyncExitStack() as stack:
        other = await send(await clients_of(stack, authority), ["ann"])
        mailings = (mailing, other)
        for one in mailings:
            tracking, token = one.clients.edge.tracking, one.tokens["ann"]
            for _ in range(2):
                await tracking.record_open(token, request_id=request_id)
                await tracking.record_click(token, 1, request_id=request_id)
        events: Iterable[Event] = [Event(one.tokens["ann"]) for one in mailings]
        for _ in range(2):
            response = await mailing.clients.edge.tracking.record_events(
                events, request_id=request_id
            )
            assert response.accepted_count == 2
        for one in mailings:
            stats = await one.stats()
            assert stats.opens.human.identified.total == 2
            assert stats.clicks.human.identified.total == 1


async def test_a_failed_request_id_can_be_used_again(mailing: Mailing) -> None:
    """A rejected call claims no request_id, so a corrected call can use the same one."""
    campaigns = mailing.clients.sender.campaigns
    request_id = uuid.uuid4()
    with pytest.raises(AlreadyExistsError):
        await campaigns.create_campaign("spring", request_id=request_id)
    created = await campaigns.create_campaign("summer", request_id=request_id)
    assert created.campaign_id == "summer"
