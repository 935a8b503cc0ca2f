"""Traces say neither who acted, nor when a single event was.

The attacker reads all that an edge and an authority export, and knows every token of the sender, with the
contact, URL, address and user agent of each event, and its time.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hushpost_client import Mode, PolicyUpdate, Release
from hushpost_runtime.traces import Traces
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import Connection
from tests.mailing import clients_of, send
from tests.trace_collector import Collector, collecting
from tests.waiting import until

from .attack import FULL, SEED, Attack, Score
from .conftest import Report

CONTACTS = 4_000
"""So many that a request and a batch are traced, except with a probability of 1 in 3 million."""

CONNECTIONS = 40
QUIET_EVENTS = 20_000 if FULL else 2_000
SECOND = 10**9


@dataclass(frozen=True)
class Act:
    """What an attacker knows about one anonymous event."""

    token: str
    contact: str
    path: str
    address: str
    agent: str

    def forms(self) -> list[bytes]:
        """Return all that could identify the event, as it could be in a span."""
        raw = base64.urlsafe_b64decode(self.token)
        texts = (self.token, self.contact, self.path, self.address, self.agent, raw.hex())
        # The header of a token is that of its campaign.
        return [*(text.encode() for text in texts), raw, raw[10:]]


@dataclass(frozen=True)
class Exported:
    """The acts of a campaign, and the traces of the processes that handled them."""

    acts: Sequence[Act]
    collector: Collector

    def found(self, payloads: Sequence[bytes]) -> Score:
        """Return how many acts can be found in payloads."""
        content = b"".join(payloads)
        found = sum(any(form in content for form in act.forms()) for act in self.acts)
        return Score(len(self.acts), found)


@pytest.fixture(scope="module")
async def exported(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exported]:
    """Anonymous contacts have clicked and opened, and both processes have been stopped."""
    folder = tmp_path_factory.mktemp("traces")
    with collecting() as collector:
        environment = collector.environment
        authority = AuthorityProcess(folder / "authority", environment=environment)
        with authority as process:
            running = RunningAuthority.of(process)
            async with AsyncExitStack() as stack:
                acts = await _act(stack, running, environment)
            assert process.stop() == 0
        yield Exported(acts, collector)


async def _act(
    stack: AsyncExitStack, authority: RunningAuthority, environment: dict[str, str]
) -> list[Act]:
    """Let each contact click once or open once, over HTTP; return what they did."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release=Release.EXACT)
    keys = await make_tenant(authority, policy)
    clients = await clients_of(stack, authority, keys=keys)
    contacts = [f"canary-{number}@example.com" for number in range(CONTACTS)]
    mailing = await send(clients, contacts)
    acts = [
        Act(
            token,
            contact,
            f"/c/{token}/1" if number % 2 else f"/o/{token}.gif",
            f"198.51.{100 + number // 250}.{number % 250}",
            f"Canary/{number}.0 (X11)",
        )
        for number, (contact, token) in enumerate(mailing.tokens.items())
    ]
    edge = EdgeProcess(
        authority.process.folder / "edge",
        authority.target,
        keys.edge_key,
        "--trusted-proxies=127.0.0.1/32",
        environment=environment,
    )
    with edge as process:
        await until(lambda: process.stored_links() > 0)
        remaining = iter(acts)
        await asyncio.gather(*(_visit(process, remaining) for _ in range(CONNECTIONS)))
        await until(lambda: process.waiting_events() == 0, 60)
        assert process.stop() == 0
    return acts


async def _visit(edge: EdgeProcess, acts: Any) -> None:
    async with Connection(edge.port) as connection:
        for act in acts:
            await connection.get(act.path, f"X-Forwarded-For: {act.address}", agent=act.agent)


def test_a_batch_is_one_trace_from_shipping_to_commit(exported: Exported) -> None:
    """The trace of a batch goes from the edge to the commit of the authority."""
    shipped = exported.collector.spans("ship events")
    assert shipped
    for ship in shipped:
        trace = exported.collector.trace(ship.trace_id)
        call, commit = trace["RecordEvents"], trace["commit"]
        assert (ship.service, call.service) == ("hushpost-edge", "hushpost-authority")
        assert call.parent_id == ship.span_id
        assert commit.parent_id == call.span_id
        assert ship.attributes["hushpost.events"] % 256 == 0


def test_requests_are_traced_without_what_follows(exported: Exported) -> None:
    """A few requests have spans, with the wait for the spool, in traces of their own."""
    requests = [*exported.collector.spans("click"), *exported.collector.spans("open")]
    assert 0 < len(requests) < CONTACTS / 100
    for request in requests:
        trace = exported.collector.trace(request.trace_id)
        assert trace.keys() == {request.name, "append to spool"}
        assert trace["append to spool"].parent_id == request.span_id
        assert request.attributes == {
            "http.response.status_code": 302 - 102 * (request.name == "open")
        }


def test_traces_do_not_say_who_acted(exported: Exported, report: Report) -> None:
    """No token, contact, URL, address or user agent is in what was exported."""
    real = exported.found(exported.collector.payloads)
    control = exported.found(_payloads_of_usual_spans(exported.acts))
    report(Attack("who acted, from exported traces", real, control))
    assert control.succeeded == control.tried
    assert real.succeeded == 0


def _payloads_of_usual_spans(acts: Sequence[Act]) -> list[bytes]:
    """Return what the usual instrumentation of an HTTP server would export."""
    with collecting() as collector:
        provider = TracerProvider(resource=Resource({"service.name": "usual"}))
        exporter = OTLPSpanExporter(f"http://127.0.0.1:{collector.port}/v1/traces")
        memory = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(memory))
        for act in acts:
            provider.get_tracer("usual").start_span("GET", attributes={"url.path": act.path}).end()
        exporter.export(memory.get_finished_spans())
        provider.shutdown()
        return collector.payloads


Trace = Callable[[], AbstractContextManager[Any]]


def test_traces_do_not_date_single_events(report: Report) -> None:
    """On a quiet day, almost no event has a span that begins within a second of it."""
    real = _dated(lambda traces: lambda: traces.request("click"))
    call = _dated(lambda traces: lambda: traces.call("RecordClick", (), 1))
    control = _dated(lambda traces: lambda: traces.call("RecordClick", ()))
    report(Attack("date of an event, from its request", real, control))
    report(Attack("date of an event, from its call", call, control))
    assert control.share == 1
    assert real.share < 0.002
    assert call.share < 0.002


def _dated(tracing: Callable[[Traces], Trace]) -> Score:
    """Let events happen at random times; count those with a span at the same time."""
    now, random = 0, Random(SEED)  # noqa: S311 - repeatable
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    begin = tracing(Traces(provider, lambda: now))
    times = []
    for _ in range(QUIET_EVENTS):
        now += random.randrange(600 * SECOND)
        times.append(now)
        with begin():
            now += random.randrange(SECOND // 10)
    provider.shutdown()
    starts: Mapping[int, int] = {
        span.start_time // SECOND: span.start_time
        for span in memory.get_finished_spans()
        if span.start_time is not None
    }
    hits = sum(
        any(abs(starts.get(time // SECOND + step, -SECOND) - time) < SECOND for step in (-1, 0, 1))
        for time in times
    )
    return Score(QUIET_EVENTS, hits)
