"""Failed calls have an id, which the lines of the log that belong to them have too."""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest

from hushpost.v1 import preference_pb2, privacy_pb2, tracking_pb2
from hushpost_client import DoNotTrack, InternalError, Role
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, connected
from tests.log_lines import log_lines
from tests.mailing import clients_of, send
from tests.wire import Refusal, Wire, empty_request, refused

CONTACT = "canary-51fe@example.com"
METHODS_OF_ALL_KINDS = ("RecordClick", "RecordEvents", "WatchLinks")
"""A single call, a batch and a stream; only the first is served by the native transport itself."""


@pytest.fixture(scope="module", params=["grpcio", "native"])
async def authority(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningAuthority]:
    """An authority of its own, because tests end its connections to the database."""
    folder = tmp_path_factory.mktemp(request.param)
    with AuthorityProcess(folder, "--transport", request.param) as process:
        yield RunningAuthority.of(process)


@pytest.fixture(scope="module")
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A connection to the database of that authority."""
    async with connected(authority.process.data_dir) as connection:
        yield connection


@pytest.fixture(scope="module")
async def wire(authority: RunningAuthority) -> AsyncIterator[Wire]:
    """A channel to that authority."""
    async with Wire(authority.target) as opened:
        yield opened


@asynccontextmanager
async def constraint(database: Connection) -> AsyncIterator[None]:
    """Let the authority fail to store the contact, with an error that it does not expect."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    rule = f"check (contact_id <> '{CONTACT}') not valid"
    await database.execute(f"alter table contacts add constraint {name} {rule}")
    try:
        yield
    finally:
        await database.execute(f"alter table contacts drop constraint {name}")


def lines_with(call_id: str, authority: RunningAuthority) -> list[dict[str, Any]]:
    """Return the lines of the log that have a call id."""
    lines = log_lines(authority.process.log_file)
    return [line for line in lines if line.get("call_id") == call_id]


async def test_the_id_of_a_failed_call_is_in_the_log(
    authority: RunningAuthority, tenant: TenantKeys, wire: Wire, database: Connection
) -> None:
    """The line that has the cause of an error has the id of the error."""
    request = preference_pb2.SetPreferenceRequest(
        contact_id=CONTACT, do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )
    async with constraint(database):
        first = await wire.refusal("SetPreference", request, tenant.sender_key)
        second = await wire.refusal("SetPreference", request, tenant.sender_key)
    assert first.call_id != second.call_id
    for refusal in (first, second):
        assert refusal.reason == "INTERNAL"
        (line,) = lines_with(refusal.call_id, authority)
        assert (line["event"], line["cause"]) == ("transaction failed", "CheckViolationError")


async def test_the_client_has_the_id(
    authority: RunningAuthority, tenant: TenantKeys, database: Connection
) -> None:
    """The exception of the client has the id that is in the log."""
    async with constraint(database), authority.client(tenant.sender_key) as client:
        with pytest.raises(InternalError) as caught:
            await client.preferences.set_preference(CONTACT, DoNotTrack.TRUE)
    assert caught.value.call_id is not None
    assert lines_with(caught.value.call_id, authority)


async def test_rejected_calls_have_random_ids(wire: Wire) -> None:
    """Calls of each kind that fail in the same way have different ids."""
    refusals = [
        await wire.refusal(method, empty_request(method), None)
        for method in METHODS_OF_ALL_KINDS
        for _ in range(2)
    ]
    assert {refusal.reason for refusal in refusals} == {"API_KEY_MISSING"}
    ids = {refusal.call_id for refusal in refusals}
    assert len(ids) == len(refusals)
    assert all(re.fullmatch("[0-9a-f]{16}", call_id) for call_id in ids)


async def test_a_client_cannot_choose_the_id(wire: Wire) -> None:
    """Ids in the metadata of a call are ignored."""
    chosen = "9f86d081884c7d65"
    call: Any = wire.channel.unary_unary("/hushpost.v1.TrackingService/RecordClick")
    metadata = [(name, chosen) for name in ("request-id", "x-request-id", "call-id", "call_id")]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"", metadata=metadata)
    assert refused(caught.value).call_id not in {chosen, ""}


async def test_calls_that_share_a_commit_share_its_id(
    authority: RunningAuthority, wire: Wire, database: Connection
) -> None:
    """Each call that a failed commit rejects has the id of the only line that the commit caused."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority, keys=await make_tenant(authority))
        mailing = await send(clients, [f"reader-{number}" for number in range(8)])
        edge = (await clients.installation.admin.create_api_key(Role.EDGE)).secret
    clicks = [
        tracking_pb2.RecordClickRequest(
            token=token,
            link_number=1,
            verdict=privacy_pb2.VERDICT_HUMAN,
            request_id=str(uuid.uuid4()),
        )
        for token in mailing.click_tokens.values() or mailing.tokens.values()
    ]
    async with database.transaction():
        await database.execute("lock table request_ids in access exclusive mode")
        calls = asyncio.gather(*(wire.refusal("RecordClick", click, edge) for click in clicks))
        while not calls.done():
            await database.execute(
                "select pg_terminate_backend(pid) from pg_locks where not granted"
            )
            await asyncio.wait([calls], timeout=0.05)
    refusals: list[Refusal] = calls.result()
    assert {refusal.reason for refusal in refusals} == {"DATABASE_UNAVAILABLE"}
    ids = Counter(refusal.call_id for refusal in refusals)
    assert len(ids) < len(refusals), "commits were shared"
    for call_id in ids:
        (line,) = lines_with(call_id, authority)
        assert line["transaction"] == "record"


async def test_lines_outside_of_calls_have_no_id(authority: RunningAuthority) -> None:
    """What the authority logs for itself belongs to no call."""
    lines = log_lines(authority.process.log_file)
    (listening,) = [line for line in lines if line["event"] == "listening"]
    assert "call_id" not in listening
