"""Traces of RPCs, as an authority exports them over each transport."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from hushpost.v1 import preference_pb2, privacy_pb2, tracking_pb2
from hushpost_client import Hushpost, PolicyUpdate, Release
from hushpost_client.sync import Hushpost as SyncHushpost
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.faults.holding import counters_held
from tests.inspection import connected
from tests.mailing import Mailing, clients_of, send
from tests.trace_collector import Collector, ExportedSpan, collecting, traceparent
from tests.wire import METHODS, Wire, refused

CALLS = 20
"""More calls of a kind are rejected."""

TRACED = f"{0xA:018x}{0:014x}"
"""A trace whose random bits let it be traced, even if it is about a single event."""

NOT_TRACED = f"{0xB:018x}{2**56 - 1:014x}"
"""A trace that is traced only if it is about no event."""


def trace_id(number: int) -> str:
    """Return one of many trace ids like TRACED."""
    return f"{number:018x}{0:014x}"


@dataclass
class Traced:
    """An authority that has exported its traces, and what its callers saw.

    Attributes:
        seen: The results of calls, by the name of the test that is about them.
    """

    collector: Collector
    seen: dict[str, Any]

    def span(self, trace: str, name: str) -> ExportedSpan:
        """Return the only span of a trace that has a name."""
        (span,) = [span for span in self.collector.spans(name) if span.trace_id == trace]
        return span


class Caller:
    """Makes calls that have a trace."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def call(self, method: str, request: Any, key: str, trace: str) -> Any:
        """Make a call; return the response, or the error."""
        descriptor = METHODS[method]
        path = f"/{descriptor.containing_service.full_name}/{method}"
        unary: Any = self._wire.channel.unary_unary(path, type(request).SerializeToString)
        metadata = (("authorization", f"Bearer {key}"), traceparent(trace))
        try:
            return await unary(request, metadata=metadata, timeout=30)
        except grpc.aio.AioRpcError as error:
            return refused(error)


@pytest.fixture(scope="module", params=["grpcio", "native"])
async def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Traced]:
    """An authority that has been called in many ways, and was then stopped."""
    folder = tmp_path_factory.mktemp(f"traced-{request.param}")
    options = ("--transport", request.param, "--max-calls", str(CALLS))
    with collecting() as collector:
        with AuthorityProcess(folder, *options, environment=collector.environment) as process:
            authority = RunningAuthority.of(process)
            async with AsyncExitStack() as stack:
                seen = await _call_in_many_ways(stack, authority)
            assert process.stop() == 0
        yield Traced(collector, seen)


async def _call_in_many_ways(stack: AsyncExitStack, authority: RunningAuthority) -> dict[str, Any]:
    keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
    clients = await clients_of(stack, authority, keys=keys)
    mailing = await send(clients, [f"reader-{number}" for number in range(CALLS)])
    caller = Caller(await stack.enter_async_context(Wire(authority.target)))
    edge = keys.edge_key
    seen: dict[str, Any] = {}

    allow = preference_pb2.SetPreferenceRequest(
        contact_id="reader-1", do_not_track=privacy_pb2.DO_NOT_TRACK_FALSE
    )
    await caller.call("SetPreference", allow, keys.sender_key, NOT_TRACED)
    wrong = preference_pb2.SetPreferenceRequest(contact_id="\n")
    seen["failed"] = await caller.call("SetPreference", wrong, keys.sender_key, trace_id(1))
    seen["no key"] = await caller.call("SetPreference", allow, "hp_wrong", trace_id(2))

    clicks = [_click(token) for token in mailing.tokens.values()]
    await caller.call("RecordClick", clicks[0], edge, TRACED)
    await caller.call("RecordClick", clicks[1], edge, NOT_TRACED)
    await asyncio.gather(
        *(
            caller.call("RecordClick", click, edge, trace_id(100 + number))
            for number, click in enumerate(clicks[2:8])
        )
    )
    # Once more, with the same request ids.
    await asyncio.gather(
        *(caller.call("RecordClick", click, edge, trace_id(200)) for click in clicks[:8])
    )
    batch = tracking_pb2.RecordEventsRequest(
        events=[
            tracking_pb2.Event(token=token, verdict=privacy_pb2.VERDICT_HUMAN)
            for token in mailing.tokens.values()
        ],
        request_id=str(uuid.uuid4()),
    )
    await caller.call("RecordEvents", batch, edge, trace_id(3))
    seen["clicks"] = (await mailing.stats()).clicks
    seen["reports"] = await _watched(clients, mailing)
    seen["links"] = await _links(clients.edge)
    async with connected(authority.process.data_dir) as connection:
        async with counters_held(connection, mailing):
            # None can be committed: those over the limit are rejected.
            flood = [
                asyncio.create_task(
                    caller.call(
                        "RecordClick", _click(mailing.tokens["reader-9"]), edge, trace_id(4)
                    )
                )
                for _ in range(3 * CALLS)
            ]
            await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        seen["overload"] = await asyncio.gather(*flood)
    return seen


def _click(token: str) -> tracking_pb2.RecordClickRequest:
    return tracking_pb2.RecordClickRequest(
        token=token,
        link_number=1,
        verdict=privacy_pb2.VERDICT_HUMAN,
        request_id=str(uuid.uuid4()),
    )


async def _watched(clients: Clients, mailing: Mailing) -> list[int]:
    """Return the clicks of two reports of a stream, before and after a click."""
    counts = []
    async with aclosing(
        clients.reporter.stats.watch_campaign_stats(mailing.campaign_id)
    ) as reports:
        counts.append((await anext(reports)).clicks.human.identified.total)
        await mailing.click("reader-15")
        counts.append((await anext(reports)).clicks.human.identified.total)
    return counts


async def _links(edge: Hushpost) -> int:
    """Return how many links the first update of a stream has."""
    async with aclosing(edge.tracking.watch_links()) as updates:
        return len((await anext(updates)).links)


def test_a_collector_that_is_down_stops_nothing(tmp_path: Path) -> None:
    """Calls work, and the authority stops in time, however long an export may take."""
    environment = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
    }
    with AuthorityProcess(tmp_path / "authority", environment=environment) as process:
        with SyncHushpost.connect(process.target, api_key=process.admin_key()) as client:
            client.admin.create_tenant("acme")
        assert process.stop() == 0


def test_a_call_continues_the_trace_of_its_client(traced: Traced) -> None:
    """The span of an RPC is a child of the client's for any trace id."""
    span = traced.span(NOT_TRACED, "SetPreference")
    assert (span.parent_id, span.service) == (f"{1:016x}", "hushpost-authority")
    assert span.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "SetPreference",
        "rpc.response.status_code": "OK",
    }
    assert span.end > span.start


def test_a_click_is_traced_to_its_commit(traced: Traced) -> None:
    """The commit is a child of the call."""
    call, commit = traced.span(TRACED, "RecordClick"), traced.span(TRACED, "commit")
    assert commit.parent_id == call.span_id
    assert call.end - call.start >= commit.end - commit.start


def test_calls_that_share_a_commit_are_linked_to_it(traced: Traced) -> None:
    """Each call has a commit of its own trace, or one that links to it."""
    ids = {trace_id(100 + number) for number in range(6)}
    calls = {span.span_id for span in traced.collector.spans("RecordClick") if span.trace_id in ids}
    assert len(calls) == len(ids)
    commits = traced.collector.spans("commit")
    parents = {commit.parent_id for commit in commits}
    linked = {link for commit in commits for link in commit.links}
    assert calls <= parents | linked
    assert calls & linked, "some calls shared a commit"


def test_most_calls_about_an_event_are_not_traced(traced: Traced) -> None:
    """A client that traces everything does not make the authority trace single events."""
    assert [span.name for span in traced.collector.spans() if span.trace_id == NOT_TRACED] == [
        "SetPreference"
    ]


def test_single_events_have_no_time(traced: Traced) -> None:
    """Spans about few events begin at a whole minute; others, when they began."""
    minute = 60 * 10**9
    for trace, name in ((TRACED, "RecordClick"), (trace_id(3), "RecordEvents")):
        assert traced.span(trace, name).start % minute == 0
    others = traced.collector.spans("SetPreference")
    assert any(span.start % minute for span in others)


def test_a_failed_call_has_its_reason_and_id(traced: Traced) -> None:
    """The span has the reason and the call id of the error, and is no error of the server."""
    error, span = traced.seen["failed"], traced.span(trace_id(1), "SetPreference")
    assert error.reason == "CONTACT_ID_INVALID"
    assert span.attributes["error.type"] == "CONTACT_ID_INVALID"
    assert span.attributes["rpc.response.status_code"] == "INVALID_ARGUMENT"
    assert span.attributes["hushpost.call_id"] == error.call_id
    assert not span.is_error


def test_calls_without_a_key_cause_no_spans(traced: Traced) -> None:
    """Callers without a key cannot make the authority send spans."""
    assert traced.seen["no key"].code is grpc.StatusCode.UNAUTHENTICATED
    assert not traced.collector.trace(trace_id(2))


def test_repeated_calls_count_once(traced: Traced) -> None:
    """Exactly-once holds: eight clicks were sent twice each."""
    assert traced.seen["clicks"].human.identified.total == 8


def test_streams_work(traced: Traced) -> None:
    """Streams yield, and have one span each."""
    before, after = traced.seen["reports"]
    assert after == before + 1
    assert traced.seen["links"] == 2
    for name in ("WatchCampaignStats", "WatchLinks"):
        (span,) = traced.collector.spans(name)
        assert span.end > span.start


def test_overload_is_refused(traced: Traced) -> None:
    """Calls over the limit are rejected, and the span says so."""
    reasons = {getattr(result, "reason", "OK") for result in traced.seen["overload"]}
    assert reasons == {"OK", "OVERLOADED"}
    spans = [span for span in traced.collector.spans() if span.trace_id == trace_id(4)]
    statuses = {span.attributes.get("rpc.response.status_code") for span in spans}
    assert statuses >= {"OK", "RESOURCE_EXHAUSTED"}
