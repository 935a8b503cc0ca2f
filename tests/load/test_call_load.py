"""The compiled load generator, `bench/load/call_load`, against a server that records what it gets."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import grpc
import pytest

from bench.load.call_load_process import CallLoad, Calls
from bench.load.call_results import OK, REJECTED, CallResult
from hushpost.v1 import tracking_pb2 as pb

METHOD = "/hushpost.v1.TrackingService/RecordEvents"
BATCHES = [
    pb.RecordEventsRequest(events=[pb.Event(token=token)] * 10) for token in ("first", "second")
]
REJECTED_TOKEN = "rejected"

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go"),
    # The first run compiles gRPC.
    pytest.mark.timeout(600),
]


@dataclass
class Recorder:
    """Accepts batches, except those whose first event has the rejected token.

    Attributes:
        together: Calls wait for each other here, one by default.
    """

    requests: list[pb.RecordEventsRequest] = field(default_factory=list)
    authorizations: set[Any] = field(default_factory=set)
    together: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(1))

    async def record(
        self,
        request: pb.RecordEventsRequest,
        context: grpc.aio.ServicerContext[pb.RecordEventsRequest, pb.RecordEventsResponse],
    ) -> pb.RecordEventsResponse:
        """Keep the request."""
        self.requests.append(request)
        self.authorizations |= {
            value for key, value in context.invocation_metadata() or () if key == "authorization"
        }
        if request.events[0].token == REJECTED_TOKEN:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
        await self.together.wait()
        return pb.RecordEventsResponse(accepted_count=len(request.events))

    def handler(self) -> grpc.GenericRpcHandler:
        """Serve the method."""
        service, method = METHOD[1:].split("/")
        unary = grpc.unary_unary_rpc_method_handler(
            self.record,
            request_deserializer=pb.RecordEventsRequest.FromString,
            response_serializer=pb.RecordEventsResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(service, {method: unary})


@pytest.fixture(scope="module")
async def load() -> AsyncIterator[CallLoad]:
    """The program, built once."""
    async with CallLoad() as load:
        yield load


@pytest.fixture
def recorder() -> Recorder:
    """What the server does."""
    return Recorder()


@pytest.fixture
async def calls(recorder: Recorder) -> AsyncIterator[Calls]:
    """50 calls with two batches in turn, to a server of their own."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((recorder.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield Calls(
        f"127.0.0.1:{port}",
        METHOD,
        "Bearer key",
        [batch.SerializeToString() for batch in BATCHES],
        50,
        request_id_field=pb.RecordEventsRequest.REQUEST_ID_FIELD_NUMBER,
        expected=pb.RecordEventsResponse(accepted_count=10).SerializeToString(),
        timeout=10,
    )
    await server.stop(0)


def most_in_progress(calls: Sequence[CallResult]) -> int:
    """Return the highest number of calls that were in progress at once."""
    changes = sorted([(call.due, 1) for call in calls] + [(call.completed, -1) for call in calls])
    return max(accumulate(change for _, change in changes))


async def test_messages_are_sent_in_turn_each_with_a_request_id_of_its_own(
    load: CallLoad, recorder: Recorder, calls: Calls
) -> None:
    """Every call has one of the batches unchanged, the API key, and a new random UUID."""
    result = await load.run_at_rate(calls, rate=1000)

    result.check()
    assert recorder.authorizations == {"Bearer key"}
    assert len({request.request_id for request in recorder.requests}) == 50
    assert {uuid.UUID(request.request_id).version for request in recorder.requests} == {4}
    tokens = [event.token for request in recorder.requests for event in request.events]
    assert len(tokens) == 500
    assert tokens.count("first") == tokens.count("second") == 250


async def test_calls_at_a_rate_are_due_at_fixed_intervals(load: CallLoad, calls: Calls) -> None:
    """Call n is due at n ÷ rate seconds, whether or not earlier ones have returned."""
    result = await load.run_at_rate(replace(calls, connections=2), rate=400)

    assert [call.due for call in result.results.calls] == pytest.approx(
        [number / 400 for number in range(50)]
    )
    assert all(call.latency > 0 for call in result.results.calls)
    assert result.results.sending_seconds >= 49 / 400
    assert result.cpu_seconds > 0


async def test_callers_send_their_next_call_after_a_response(
    load: CallLoad, recorder: Recorder, calls: Calls
) -> None:
    """With three callers, three calls are in progress, no more; messages are sent as they are."""
    recorder.together = asyncio.Barrier(3)

    result = await load.run_callers(replace(calls, request_id_field=0, count=48), callers=3)

    result.check()
    assert most_in_progress(result.results.calls) == 3
    assert len(recorder.requests) == 48
    assert all(request in BATCHES for request in recorder.requests)


async def test_rejected_calls_are_reported(load: CallLoad, calls: Calls) -> None:
    """Each call has its status, and the result an example of the error."""
    rejected = pb.RecordEventsRequest(events=[pb.Event(token=REJECTED_TOKEN)])
    messages = [*calls.messages, rejected.SerializeToString()]

    result = await load.run_at_rate(replace(calls, messages=messages, count=30), rate=1000)

    assert [call.status for call in result.results.calls] == [OK, OK, REJECTED] * 10
    with pytest.raises(AssertionError, match="too many"):
        result.check()
    result.check_responses()


async def test_other_responses_than_expected_are_counted(load: CallLoad, calls: Calls) -> None:
    """A call that succeeds with another response is no success."""
    other = pb.RecordEventsRequest(events=[pb.Event(token="other")] * 9)
    messages = [*calls.messages, other.SerializeToString()]

    result = await load.run_callers(replace(calls, messages=messages, count=30), callers=2)

    assert result.unexpected == 10
    with pytest.raises(AssertionError, match="10 calls"):
        result.check_responses()
