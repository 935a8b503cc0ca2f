"""Overload: excess calls are rejected as OVERLOADED, and other calls keep working."""

import asyncio
import urllib.request
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict
from hushpost_client import DoNotTrack, PolicyUpdate, Release
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.free_port import free_port
from tests.inspection import connected
from tests.mailing import Mailing, clients_of, eventually, send
from tests.wire import Wire, refused

CALLS = 8
EVENTS = 50
BATCH = 20
RECEIVED_OF_A_TENANT = 8
"""Batches of a tenant that are received at once."""

FLOOD = 4000
"""More calls than gRPC queues by default."""


@dataclass(frozen=True)
class World:
    """An authority with low limits, and a campaign per test."""

    process: AuthorityProcess
    metrics: str
    keys: TenantKeys
    wire: Wire
    mailing: Mailing

    def click(self, contact: str) -> Awaitable[Any]:
        """Record a click."""
        request = pb.RecordClickRequest(
            token=self.mailing.tokens[contact],
            link_number=1,
            verdict=Verdict.VERDICT_HUMAN,
            request_id=str(uuid.uuid4()),
        )
        return self.wire.call("RecordClick", request, self.keys.edge_key)

    def batch(self, contacts: Sequence[str]) -> Awaitable[Any]:
        """Record an open of each contact."""
        events = [
            pb.Event(token=self.mailing.tokens[contact], verdict=Verdict.VERDICT_HUMAN)
            for contact in contacts
        ]
        request = pb.RecordEventsRequest(events=events, request_id=str(uuid.uuid4()))
        return self.wire.call("RecordEvents", request, self.keys.edge_key)

    def unsent(self, rpc: str, key: str | None = None) -> Any:
        """Start a call of the tracking service, by default with an edge's key, without its request."""
        method: Any = self.wire.channel.stream_unary(f"/hushpost.v1.TrackingService/{rpc}")
        credentials = (("authorization", f"Bearer {key or self.keys.edge_key}"),)
        return method(metadata=credentials, timeout=10)

    def under_way(self) -> dict[str, float]:
        """Return the calls and events in progress, by kind."""
        return {
            sample.labels["name"]: sample.value
            for sample in self._samples()
            if sample.name == "hushpost_under_way"
        }

    def rejected_batches(self) -> tuple[float, float, float]:
        """Return how many batches were rejected, by each of the metrics that have their number."""
        rejected = {"reason": "OVERLOADED"}, {"code": "RESOURCE_EXHAUSTED"}
        labels = [{"method": "RecordEvents", **each} for each in rejected]
        names = {
            "hushpost_rpc_errors_total": labels[0],
            "hushpost_rpc_calls_total": labels[1],
            "hushpost_rpc_seconds_count": labels[1],
        }
        values = {
            sample.name: sample.value
            for sample in self._samples()
            if sample.labels == names.get(sample.name)
        }
        errors, calls, seconds = (values.get(name, 0) for name in names)
        return errors, calls, seconds

    def _samples(self) -> list[Sample]:
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return [sample for family in families for sample in family.samples]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A separate authority."""
    metrics = f"127.0.0.1:{free_port()}"
    limits = (
        "--max-calls",
        str(CALLS),
        "--max-queued-events",
        str(EVENTS),
        "--metrics-listen",
        metrics,
    )
    with AuthorityProcess(tmp_path, *limits) as process:
        authority = RunningAuthority.of(process)
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority, keys=keys)
            mailing = await send(clients, [f"reader-{number}" for number in range(FLOOD)])
            wire = await stack.enter_async_context(Wire(process.target))
            yield World(process, metrics, keys, wire, mailing)


async def outcome(call: Awaitable[Any]) -> str:
    """Return OK or OVERLOADED; fail for any other result."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        refusal = refused(error)
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED, refusal
        assert refusal.domain == "hushpost"
        assert refusal.retry_seconds
        return refusal.reason
    return "OK"


async def test_each_call_of_a_flood_is_recorded_once_or_rejected(world: World) -> None:
    """No call of a flood is cancelled, acknowledged calls count once, and the authority recovers."""
    contacts = list(world.mailing.tokens)
    batches = [contacts[start : start + BATCH] for start in range(0, FLOOD, BATCH)]
    clicks = asyncio.gather(*(outcome(world.click(contact)) for contact in contacts))
    opens = asyncio.gather(*(outcome(world.batch(part)) for part in batches))
    most: Counter[str] = Counter()
    while not clicks.done() or not opens.done():
        for name, value in (await asyncio.to_thread(world.under_way)).items():
            most[name] = max(most[name], int(value))
        await asyncio.sleep(0.01)
    clicked, opened = Counter(clicks.result()), Counter(opens.result())
    assert set(clicked) | set(opened) == {"OK", "OVERLOADED"}
    assert most["recording"] <= CALLS
    assert most["events"] < EVENTS + BATCH
    await _check(world, clicked["OK"], BATCH * opened["OK"])

    await world.click(contacts[0])
    await world.batch(contacts[:BATCH])
    await _check(world, clicked["OK"] + 1, BATCH * (opened["OK"] + 1))
    assert set(world.under_way().values()) == {0}


async def _check(world: World, clicks: int, opens: int) -> None:
    stats = await world.mailing.stats()
    counted = stats.clicks.human.identified.total, stats.opens.human.identified.total
    assert counted == (clicks, opens)


async def test_other_calls_work_while_recording_is_full(world: World) -> None:
    """At the recording limit, batches are rejected unread; statistics, preferences and links work."""
    contacts = list(world.mailing.tokens)
    async with connected(world.process.data_dir) as connection:
        async with connection.transaction():
            await connection.execute("lock table counters in exclusive mode")
            waiting = [
                asyncio.ensure_future(world.click(contact)) for contact in contacts[: CALLS - 3]
            ]
            waiting += [
                asyncio.ensure_future(world.batch(contacts[start : start + BATCH]))
                for start in range(0, 3 * BATCH, BATCH)
            ]

            async def is_full() -> bool:
                return world.under_way()["recording"] == CALLS

            await eventually(is_full, "all places are taken")
            assert world.under_way()["events"] == 3 * BATCH
            assert await outcome(world.click(contacts[-1])) == "OVERLOADED"
            assert await outcome(world.batch(contacts[:1])) == "OVERLOADED"
            assert await outcome(world.unsent("RecordEvents")) == "OVERLOADED"
            await _all_else(world)
        assert [await outcome(call) for call in waiting] == ["OK"] * CALLS
    await _check(world, CALLS - 3, 3 * BATCH)


async def test_a_cancelled_call_frees_its_place(world: World) -> None:
    """Cancelled calls no longer count towards the limit."""
    contacts = list(world.mailing.tokens)
    async with connected(world.process.data_dir) as connection, connection.transaction():
        await connection.execute("lock table counters in exclusive mode")
        calls = [asyncio.ensure_future(world.batch(contacts[:BATCH])) for _ in range(2)]

        async def has(events: int) -> bool:
            return world.under_way()["events"] == events

        await eventually(lambda: has(2 * BATCH), "batches wait")
        for call in calls:
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
        await eventually(lambda: has(0), "no events are in progress")
    await world.batch(contacts[:BATCH])


async def test_rejected_batches_are_counted(world: World) -> None:
    """Metrics have each rejected batch, although no interceptor sees it."""
    await world.batch(list(world.mailing.tokens)[:1])
    async with full(world):
        calls = [world.unsent("RecordEvents") for _ in range(100)]
        assert [await outcome(call) for call in calls] == ["OVERLOADED"] * 100
    assert world.rejected_batches() == (100, 100, 100)


async def test_keys_are_checked_before_a_batch_is_rejected(world: World) -> None:
    """At the limit, callers without a valid key, or of another role, get the error for that."""
    errors = {
        "hp_wrong": "API_KEY_INVALID",
        world.keys.sender_key: "ROLE_NOT_ALLOWED",
        world.keys.edge_key: "OVERLOADED",
    }
    async with full(world):
        for key, reason in errors.items():
            for _ in range(2):  # the second time, the authority has cached the key
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await world.unsent("RecordEvents", key)
                assert refused(caught.value).reason == reason


async def test_clients_that_go_away_while_they_are_rejected(world: World) -> None:
    """Calls may be cancelled at any time: others are rejected or recorded, and nothing is logged."""
    contacts = list(world.mailing.tokens)
    logged = world.process.log_file.read_text()
    async with full(world):
        for number in range(200):
            call = world.unsent("RecordEvents")
            await call.wait_for_connection()
            await asyncio.sleep(number % 20 / 10_000)
            call.cancel()
        assert await outcome(world.batch(contacts[:1])) == "OVERLOADED"
    assert await outcome(world.batch(contacts[:1])) == "OK"
    assert world.process.log_file.read_text() == logged


@asynccontextmanager
async def full(world: World) -> AsyncIterator[None]:
    """Let clicks take all places of recording calls, until the block ends."""
    contacts = list(world.mailing.tokens)[:CALLS]
    async with connected(world.process.data_dir) as connection:
        async with connection.transaction():
            await connection.execute("lock table counters in exclusive mode")
            clicks = [asyncio.ensure_future(world.click(contact)) for contact in contacts]

            async def is_full() -> bool:
                return world.under_way()["recording"] == CALLS

            await eventually(is_full, "all places are taken")
            yield
        assert [await outcome(click) for click in clicks] == ["OK"] * CALLS


async def begin(world: World, calls: int) -> list[Any]:
    """Start calls that send no batch; return when the authority has accepted them."""
    unsent = [world.unsent("RecordEvents") for _ in range(calls)]
    for call in unsent:
        await call.wait_for_connection()
    # A commit takes longer than accepting the calls that came before.
    await world.click(next(iter(world.mailing.tokens)))
    return unsent


async def test_a_batch_that_was_received_is_rejected_undecoded(world: World) -> None:
    """A batch is rejected before it is decoded if the limit was reached while it was received."""
    [call] = await begin(world, 1)
    async with full(world):
        await call.write(b"\xff not a message")
        await call.done_writing()
        assert await outcome(call) == "OVERLOADED"


async def test_a_batch_that_waited_is_rejected_unread(world: World) -> None:
    """A batch is rejected when its turn comes to be received if the limit was reached meanwhile."""
    calls = await begin(world, 2 * RECEIVED_OF_A_TENANT)
    async with full(world):
        # Some of these are being received, so that others get their turn.
        for call in calls[:RECEIVED_OF_A_TENANT]:
            call.cancel()
        rest = [asyncio.ensure_future(outcome(call)) for call in calls[RECEIVED_OF_A_TENANT:]]
        done, _ = await asyncio.wait(rest, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert {each.result() for each in done} == {"OVERLOADED"}
        for call in calls:
            call.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


@pytest.mark.parametrize("rpc", ["RecordClick", "RecordEvents"])
async def test_calls_that_are_not_sent_take_no_place(world: World, rpc: str) -> None:
    """A caller that opens calls and sends no requests does not fill the recording limit."""
    unsent = [world.unsent(rpc) for _ in range(2 * CALLS)]
    try:
        for call in unsent:
            await call.wait_for_connection()
        contacts = list(world.mailing.tokens)
        assert await outcome(world.batch(contacts[:1])) == "OK"
        assert await outcome(world.click(contacts[0])) == "OK"
    finally:
        for call in unsent:
            call.cancel()


async def _all_else(world: World) -> None:
    clients, channel = world.mailing.clients, world.wire.channel
    health: Any = health_pb2_grpc.HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    untyped: Any = channel
    discovery: Any = reflection_pb2_grpc.ServerReflectionStub(untyped)
    question: Any = reflection_pb2.ServerReflectionRequest(list_services="")
    metadata = (("authorization", f"Bearer {world.keys.reporter_key}"),)
    questions = iter([question])
    async for answer in discovery.ServerReflectionInfo(questions, timeout=5, metadata=metadata):
        assert answer.list_services_response.service
    await world.mailing.stats()
    await clients.sender.preferences.set_preference("somebody", DoNotTrack.FALSE)
    async with aclosing(clients.edge.tracking.watch_links()) as links:
        await anext(links)
