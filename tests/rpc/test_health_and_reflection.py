"""What an authority that serves tells about itself, and what it keeps to itself."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from hushpost.v1 import preference_pb2, privacy_pb2
from hushpost_client import Count, Event, InternalError, Verdict
from tests.conftest import Clients, RunningAuthority, TenantKeys
from tests.inspection import Connection
from tests.mailing import URLS, send
from tests.wire import SERVICES, Wire

CANARY = "canary-7d1f@example.com"


async def test_every_service_is_healthy(wire: Wire) -> None:
    """Health is SERVING for the server as a whole and for each service, and known for no other."""
    stub: Any = health_pb2_grpc.HealthStub(wire.channel)
    for name in ("", *(service.full_name for service in SERVICES)):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="hushpost.v1.Nonsense"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_every_service_can_be_discovered(wire: Wire) -> None:
    """Reflection lists the services of the protos, health and itself, and describes each call."""
    channel: Any = wire.channel  # typed for the other kind of channel
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request: Any = reflection_pb2.ServerReflectionRequest

    async def ask(**question: str) -> Any:
        async for answer in stub.ServerReflectionInfo(iter([request(**question)])):
            return answer
        raise AssertionError("no answer")

    listed = (await ask(list_services="")).list_services_response.service
    assert {service.name for service in listed} == {
        *(service.full_name for service in SERVICES),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    for service in SERVICES:
        described = await ask(file_containing_symbol=service.full_name)
        assert described.file_descriptor_response.file_descriptor_proto


async def test_links_are_streamed_from_a_cursor_on(clients: Clients) -> None:
    """An edge gets all links once, then new ones at once, and after a break only what it misses."""
    campaigns, tracking = clients.sender.campaigns, clients.edge.tracking
    first = await campaigns.create_campaign("first", links=URLS)
    seen: list[tuple[int, int]] = []
    async with aclosing(tracking.watch_links()) as updates:
        async for update in updates:
            seen += [(link.campaign_number, link.link_number) for link in update.links]
            if update.snapshot_complete:
                break
        assert len(seen) == len(set(seen))
        assert {(first.campaign_number, 1), (first.campaign_number, 2)} <= set(seen)
        await campaigns.extend_campaign("first", links=URLS[:1])
        live = await anext(updates)
        assert [(link.campaign_number, link.link_number) for link in live.links] == [
            (first.campaign_number, 3)
        ]
    second = await campaigns.create_campaign("second", links=URLS)
    async with aclosing(tracking.watch_links(live.cursor)) as updates:
        resumed = await anext(updates)
    assert [(link.campaign_number, link.url) for link in resumed.links] == [
        (second.campaign_number, url) for url in URLS
    ]
    async with aclosing(tracking.watch_links(resumed.cursor)) as updates:
        nothing = await anext(updates)
    assert (nothing.links, nothing.snapshot_complete) == ((), True)


@asynccontextmanager
async def _forbidden(database: Connection, table: str, rule: str) -> AsyncIterator[None]:
    """Let the database refuse some rows, so that the authority meets an error it cannot expect."""
    name = f"forbidden_{uuid.uuid4().hex[:8]}"
    await database.execute(f"alter table {table} add constraint {name} check ({rule}) not valid")
    try:
        yield
    finally:
        await database.execute(f"alter table {table} drop constraint {name}")


async def test_no_error_says_a_contact(
    authority: RunningAuthority, tenant: TenantKeys, wire: Wire, database: Connection
) -> None:
    """What PostgreSQL says about a row that it refuses reaches neither a caller nor a log."""
    async with _forbidden(database, "contacts", f"contact_id <> '{CANARY}'"):
        refusal = await wire.refusal(
            "SetPreference",
            preference_pb2.SetPreferenceRequest(
                contact_id=CANARY, do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
            ),
            tenant.sender_key,
        )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refusal.retry_seconds is None
    postgres = authority.process.data_dir / "postgres" / "log"
    log = authority.process.log_file.read_text()
    said = f"{refusal} {log} {postgres.read_text()}"
    assert "CheckViolationError" in log, "the log has the cause"
    for word in ("canary", "violates", "Failing row"):
        assert word not in f"{refusal} {log}"
    assert CANARY not in said


async def test_one_bad_event_does_not_spoil_its_neighbours(
    exact: Clients, database: Connection
) -> None:
    """Of calls that share a commit only the one that cannot be recorded fails."""
    mailing = await send(exact, [f"reader-{number}" for number in range(12)])
    tracking = exact.edge.tracking
    campaign = await exact.sender.campaigns.get_campaign(mailing.campaign_id)
    good = [tracking.record_open(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
    bad = [Event(token, 2, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
    rule = f"campaign <> {campaign.campaign_number} or signal <> 2"
    async with _forbidden(database, "events", rule):
        answers = await asyncio.gather(
            *good[:6], tracking.record_events(bad), *good[6:], return_exceptions=True
        )
    assert [type(answer) for answer in answers if answer is not None] == [InternalError]
    stats = await mailing.stats()
    assert stats.opens.human.identified == Count(12, 12)
    assert stats.clicks.human.identified == Count(0, 0)
