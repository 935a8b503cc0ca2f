"""A request_id that was used for a request with other content is rejected, and changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from hushpost.v1 import admin_pb2
from hushpost_client import (
    AlreadyExistsError,
    DoNotTrack,
    ErrorReason,
    PolicyUpdate,
    Release,
)
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, contents, tenant_number
from tests.mailing import GROUP, URLS, Mailing, clients_of, send
from tests.rpc.write_requests import (
    CHANGES,
    DOMAINS,
    KEYS,
    NOT_CONTENT,
    REQUESTS,
    SAME,
    Change,
    changed,
    different_fields,
    fields_of,
)
from tests.wire import METHODS, Wire, refused

CASES = [(method, change) for method, changes in CHANGES.items() for change in changes]
IDS = [f"{method}-{n}" for method, changes in CHANGES.items() for n, _ in enumerate(changes)]


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant with exact counts."""
    return await make_tenant(authority, PolicyUpdate(release=Release.EXACT))


@pytest.fixture
async def mailing(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Mailing]:
    """The campaigns "spring", with a message to "ann", and "summer"; two tracking domains."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, keys=keys)
        mailing = await send(clients, ["ann"])
        await clients.sender.campaigns.extend_campaign("spring", groups=["others"])
        await clients.sender.campaigns.create_campaign("summer", links=URLS, groups=[GROUP])
        for domain in DOMAINS:
            await clients.admin.domains.add_tracking_domain(domain)
        yield mailing


def _key(method: str, keys: TenantKeys, authority: RunningAuthority) -> str:
    if method == "CreateTenant":
        return authority.admin_key
    key: str = getattr(keys, KEYS.get(method, "sender_key"))
    return key


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
        refusal = await wire.refusal(method, changed(first, change), key)
        assert (refusal.reason, refusal.code) == (
            "REQUEST_ID_REUSED",
            grpc.StatusCode.ALREADY_EXISTS,
        )
        assert refusal.retry_seconds is None
    await wire.call(method, first, key)
    after = await contents(database, [tenant])
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
        await wire.call(method, changed(first, change), key)
    unknown_field = b"\xfa\x3f\x01x"  # field 1023
    later = type(first).FromString(first.SerializeToString() + unknown_field)
    await wire.call(method, later, key)


async def test_the_id_of_an_event_is_rejected_for_another_token(
    wire: Wire, keys: TenantKeys, mailing: Mailing
) -> None:
    """An event of another message under a used id is an error and is not recorded."""
    issued = await mailing.clients.sender.campaigns.issue_tokens("spring", GROUP, ["bob"])
    for method in ("RecordOpen", "RecordClick", "RecordEvents"):
        request: Any = REQUESTS[method](mailing.tokens["ann"])
        request.request_id = str(uuid.uuid4())
        await wire.call(method, request, keys.edge_key)
        for event in request.events if method == "RecordEvents" else [request]:
            event.token = issued.tokens[0].token
        refusal = await wire.refusal(method, request, keys.edge_key)
        assert refusal.reason == "REQUEST_ID_REUSED"
    assert await mailing.engaged() == {"ann"}


async def test_the_tenants_of_an_edge_key_are_part_of_the_request(
    authority: RunningAuthority, wire: Wire, keys: TenantKeys
) -> None:
    """A key for one tenant under the id of a key for all tenants is an error, and vice versa."""
    for tenant_ids in ([keys.tenant_id], []):
        request = admin_pb2.CreateApiKeyRequest(
            role=admin_pb2.ROLE_EDGE, edge_tenant_ids=tenant_ids, request_id=str(uuid.uuid4())
        )
        await wire.call("CreateApiKey", request, authority.admin_key)
        del request.edge_tenant_ids[:]
        request.edge_tenant_ids.extend([] if tenant_ids else [keys.tenant_id])
        refusal = await wire.refusal("CreateApiKey", request, authority.admin_key)
        assert refusal.reason == "REQUEST_ID_REUSED"


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
    requests = [first, *(changed(first, change) for change in CHANGES[method])] * 2
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


@pytest.mark.parametrize("method", REQUESTS)
def test_every_field_of_a_request_ischanged(method: str) -> None:
    """A field that is added to a request must be part of its digest, and be changed above."""
    first = REQUESTS[method]("token")
    covered: set[str] = set()
    for change in CHANGES[method]:
        covered |= different_fields(first, changed(first, change))
    exempt = NOT_CONTENT - ({"tenant_id"} if method == "CreateTenant" else set())
    missing = {
        field
        for field in fields_of(METHODS[method].input_type) - covered
        if not {field, field.rpartition(".")[2]} & exempt
    }
    assert not missing
