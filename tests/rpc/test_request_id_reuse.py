"""A request_id that was used for a request with other content is rejected, and changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, privacy_pb2, tracking_pb2
from hushpost_client import (
    AlreadyExistsError,
    DoNotTrack,
    ErrorReason,
    PolicyUpdate,
)
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, contents, tenant_number
from tests.mailing import GROUP, URLS, Mailing, clients_of, send
from tests.wire import METHODS, Wire, refused

TRUE, FALSE = privacy_pb2.DO_NOT_TRACK_TRUE, privacy_pb2.DO_NOT_TRACK_FALSE
IMPORT = preference_pb2.PREFERENCE_SOURCE_IMPORT

Change = Callable[[Any], object]
"""Changes a request in place."""


def _entry(contact: str) -> preference_pb2.PreferenceEntry:
    return preference_pb2.PreferenceEntry(contact_id=contact, do_not_track=FALSE)


def _link(number: int) -> campaign_pb2.Link:
    return campaign_pb2.Link(url=URLS[number], label=f"link {number}")


def _set(**values: object) -> Change:
    def change(request: Any) -> None:
        for field, value in values.items():
            setattr(request, field, value)

    return change


def _policy(quorum: int) -> dict[str, Any]:
    return {"policy": admin_pb2.Policy(quorum=quorum)}


REQUESTS: dict[str, Callable[[str], Message]] = {
    "RecordOpen": lambda token: tracking_pb2.RecordOpenRequest(token=token),
    "RecordClick": lambda token: tracking_pb2.RecordClickRequest(token=token, link_number=1),
    "RecordEvents": lambda token: tracking_pb2.RecordEventsRequest(
        events=[tracking_pb2.Event(token=token, link_number=number) for number in (0, 1, 2)]
    ),
    "SetPreference": lambda _: preference_pb2.SetPreferenceRequest(
        contact_id="ann", do_not_track=FALSE, evidence="form"
    ),
    "BatchSetPreferences": lambda _: preference_pb2.BatchSetPreferencesRequest(
        entries=[_entry("ann"), _entry("bob")]
    ),
    "EraseContact": lambda _: preference_pb2.EraseContactRequest(contact_id="ann"),
    "CreateCampaign": lambda _: campaign_pb2.CreateCampaignRequest(
        campaign_id="new", links=[_link(0)], groups=[campaign_pb2.Group(group_id="a")]
    ),
    "ExtendCampaign": lambda _: campaign_pb2.ExtendCampaignRequest(
        campaign_id="spring", links=[_link(0)], groups=[campaign_pb2.Group(group_id="a")]
    ),
    "IssueTokens": lambda _: campaign_pb2.IssueTokensRequest(
        campaign_id="spring", group_id=GROUP, contact_ids=["ann", "bob"]
    ),
    "CreateTenant": lambda _: admin_pb2.CreateTenantRequest(
        tenant_id=f"t-{uuid.uuid4().hex[:12]}", **_policy(3)
    ),
    "UpdatePolicy": lambda _: admin_pb2.UpdatePolicyRequest(
        **_policy(3), update_mask=FieldMask(paths=["quorum"])
    ),
    "CreateApiKey": lambda _: admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_SENDER),
}
"""A request per RPC, built from the token of the contact "ann"."""

CHANGES: dict[str, list[Change]] = {
    "RecordOpen": [
        _set(privacy_signal=True),
        _set(verdict=privacy_pb2.VERDICT_HUMAN),
        lambda request: request.open_time.GetCurrentTime(),
    ],
    "RecordClick": [
        _set(link_number=2),
        _set(privacy_signal=True),
        _set(verdict=privacy_pb2.VERDICT_HUMAN),
        lambda request: request.click_time.GetCurrentTime(),
    ],
    "RecordEvents": [
        lambda request: request.events.pop(),
        lambda request: request.events.append(request.events[0]),
        lambda request: request.events.reverse(),
        lambda request: _set(verdict=privacy_pb2.VERDICT_HUMAN)(request.events[1]),
        lambda request: request.events[0].event_time.GetCurrentTime(),
    ],
    "SetPreference": [
        _set(contact_id="bob"),
        _set(do_not_track=TRUE),
        _set(source=IMPORT),
        _set(evidence="another form"),
        _set(history=privacy_pb2.HISTORY_KEEP),
    ],
    "BatchSetPreferences": [
        lambda request: request.entries.pop(),
        lambda request: request.entries.append(_entry("cid")),
        lambda request: _set(contact_id="cid")(request.entries[1]),
        lambda request: _set(do_not_track=TRUE)(request.entries[1]),
        lambda request: _set(evidence="x")(request.entries[1]),
        lambda request: request.entries[1].ClearField("do_not_track"),
        _set(history=privacy_pb2.HISTORY_KEEP),
    ],
    "EraseContact": [
        _set(contact_id="bob"),
        _set(proof=preference_pb2.PROOF_PSEUDONYMIZE),
    ],
    "CreateCampaign": [
        _set(campaign_id="another"),
        _set(display_name="New"),
        lambda request: request.links.append(_link(1)),
        lambda request: _set(url=URLS[1])(request.links[0]),
        lambda request: _set(label="other")(request.links[0]),
        lambda request: request.groups.add(group_id="b"),
    ],
    "ExtendCampaign": [
        _set(campaign_id="summer"),
        lambda request: request.links.append(_link(1)),
        lambda request: request.groups.pop(),
    ],
    "IssueTokens": [
        _set(campaign_id="summer"),
        _set(group_id="others"),
        lambda request: request.contact_ids.append("cid"),
        lambda request: request.contact_ids.pop(),
        lambda request: request.contact_ids.__setitem__(0, "dan"),
        _set(include_preference_tokens=True),
    ],
    "CreateTenant": [
        _set(tenant_id=f"t-{uuid.uuid4().hex[:12]}"),
        _set(display_name="Shop"),
        lambda request: _set(quorum=4)(request.policy),
    ],
    "UpdatePolicy": [
        lambda request: _set(quorum=4)(request.policy),
        lambda request: request.update_mask.paths.append("retention_days"),
    ],
    "CreateApiKey": [
        _set(role=admin_pb2.ROLE_REPORTER),
        _set(display_name="another"),
    ],
}
"""Changes of each field that make a request another one."""

SAME: dict[str, list[Change]] = {
    "RecordOpen": [_set(verdict=privacy_pb2.VERDICT_UNSPECIFIED)],
    "SetPreference": [_set(source=preference_pb2.PREFERENCE_SOURCE_SENDER)],
    "BatchSetPreferences": [
        lambda request: _set(source=preference_pb2.PREFERENCE_SOURCE_SENDER)(request.entries[0]),
        lambda request: request.entries.insert(0, _entry("bob")),
    ],
    "EraseContact": [_set(proof=preference_pb2.PROOF_DELETE)],
    "CreateTenant": [lambda request: _set(retention_days=365)(request.policy)],
    "UpdatePolicy": [lambda request: _set(retention_days=9)(request.policy)],
}
"""Changes that mean the same, such as a default that is given or left out."""

KEYS = {"RecordOpen": "edge_key", "RecordClick": "edge_key", "RecordEvents": "edge_key"}
KEYS |= {"CreateApiKey": "admin_key", "UpdatePolicy": "admin_key"}

CASES = [(method, change) for method, changes in CHANGES.items() for change in changes]
IDS = [f"{method}-{n}" for method, changes in CHANGES.items() for n, _ in enumerate(changes)]


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant with a quorum of 1."""
    return await make_tenant(authority, PolicyUpdate(quorum=1))


@pytest.fixture
async def mailing(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Mailing]:
    """The campaigns "spring", with a message to "ann", and "summer"."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, keys=keys)
        mailing = await send(clients, ["ann"])
        await clients.sender.campaigns.extend_campaign("spring", groups=["others"])
        await clients.sender.campaigns.create_campaign("summer", links=URLS, groups=[GROUP])
        yield mailing


def _key(method: str, keys: TenantKeys, authority: RunningAuthority) -> str:
    if method == "CreateTenant":
        return authority.admin_key
    key: str = getattr(keys, KEYS.get(method, "sender_key"))
    return key


def _changed(request: Message, change: Change) -> Any:
    other = type(request)()
    other.CopyFrom(request)
    change(other)
    return other


def test_every_rpc_with_a_request_id_is_tested() -> None:
    """Each RPC that takes a request_id has a request and changes above."""
    writes = {
        name for name, method in METHODS.items() if "request_id" in method.input_type.fields_by_name
    }
    assert writes == REQUESTS.keys() == CHANGES.keys()


@pytest.mark.parametrize(("method", "change"), CASES, ids=IDS)
async def test_another_request_with_the_same_id_is_rejected(
    authority: RunningAuthority,
    wire: Wire,
    database: Connection,
    keys: TenantKeys,
    mailing: Mailing,
    method: str,
    change: Change,
) -> None:
    """Each changed field is an error and changes nothing; the first request still succeeds."""
    key = _key(method, keys, authority)
    first: Any = REQUESTS[method](mailing.tokens["ann"])
    first.request_id = str(uuid.uuid4())
    await wire.call(method, first, key)
    tenant = await tenant_number(database, keys.tenant_id)
    before = await contents(database, [tenant])
    for _ in range(2):
        refusal = await wire.refusal(method, _changed(first, change), key)
        assert (refusal.reason, refusal.code) == (
            "REQUEST_ID_REUSED",
            grpc.StatusCode.ALREADY_EXISTS,
        )
        assert refusal.retry_seconds is None
    await wire.call(method, first, key)
    after = await contents(database, [tenant])
    if method == "IssueTokens":
        # Slots may have been reserved, though no token has one.
        before["campaign_groups"] = after["campaign_groups"]
    assert after == before


@pytest.mark.parametrize("method", SAME)
async def test_a_request_that_means_the_same_is_a_repetition(
    authority: RunningAuthority, wire: Wire, keys: TenantKeys, mailing: Mailing, method: str
) -> None:
    """Defaults may be given or left out, for example after an upgrade of the client."""
    key = _key(method, keys, authority)
    first: Any = REQUESTS[method](mailing.tokens["ann"])
    first.request_id = str(uuid.uuid4())
    await wire.call(method, first, key)
    for change in SAME[method]:
        await wire.call(method, _changed(first, change), key)
    unknown_field = b"\xfa\x3f\x01x"  # field 1023
    later = type(first).FromString(first.SerializeToString() + unknown_field)
    await wire.call(method, later, key)


async def test_a_reused_id_does_not_hide_an_opt_out(mailing: Mailing) -> None:
    """An opt-out under the id of another contact's is an error, and the caller notices."""
    preferences = mailing.clients.sender.preferences
    request_id = uuid.uuid4()
    await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=request_id)
    with pytest.raises(AlreadyExistsError) as caught:
        await preferences.set_preference("bob", DoNotTrack.TRUE, request_id=request_id)
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert (await preferences.get_preference("bob")).do_not_track is DoNotTrack.UNSET
    again = await preferences.set_preference("ann", DoNotTrack.TRUE, request_id=request_id)
    assert again.do_not_track is DoNotTrack.TRUE


@pytest.mark.parametrize("method", REQUESTS)
async def test_of_concurrent_requests_with_the_same_id_one_succeeds(
    authority: RunningAuthority, wire: Wire, keys: TenantKeys, mailing: Mailing, method: str
) -> None:
    """Of different requests with one id at the same time, one is executed; the others fail."""
    key = _key(method, keys, authority)
    first: Any = REQUESTS[method](mailing.tokens["ann"])
    first.request_id = str(uuid.uuid4())
    requests = [first, *(_changed(first, change) for change in CHANGES[method])] * 2
    results = await asyncio.gather(
        *(wire.call(method, request, key) for request in requests), return_exceptions=True
    )
    assert {_outcome(result) for result in results} == {"OK", "REQUEST_ID_REUSED"}
    half = len(results) // 2
    executed = [n % half for n, result in enumerate(results) if _outcome(result) == "OK"]
    assert len(set(executed)) == 1, "a repetition of the executed request succeeds, no other"
    assert len(executed) == 2


def _outcome(result: object) -> str:
    if isinstance(result, grpc.aio.AioRpcError):
        return refused(result).reason
    assert not isinstance(result, BaseException), result
    return "OK"
