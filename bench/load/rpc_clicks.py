"""Unary `RecordClick` calls, to the authority and to the echo server."""

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import grpc

from bench.load.call_load_process import Calls
from bench.load.closed_loop import measure_throughput
from bench.scenario import LINKS, request_id
from bench.tenant import Metadata
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub

__all__ = ["ClickSenders", "SendClick", "click_calls", "click_requests", "click_sender"]

SendClick = Callable[[pb.RecordClickRequest], Awaitable[pb.RecordClickResponse]]

_METHOD = "/hushpost.v1.TrackingService/RecordClick"
_TIMEOUT = 30


def click_sender(channel: grpc.aio.Channel, metadata: Metadata) -> SendClick:
    """Return a function that sends a click over the channel."""
    stub = TrackingServiceStub(channel)
    return lambda click: stub.RecordClick(click, metadata=metadata, timeout=_TIMEOUT)


def click_requests(tokens: list[str], rng: random.Random) -> Iterator[pb.RecordClickRequest]:
    """Yield clicks without end: one per message in random order, then again."""
    while True:
        rng.shuffle(tokens)
        for token in tokens:
            yield pb.RecordClickRequest(
                token=token,
                link_number=rng.randint(1, len(LINKS)),
                verdict=Verdict.VERDICT_HUMAN,
                request_id=request_id(rng),
            )


def click_calls(
    target: str,
    authorization: str,
    requests: Sequence[pb.RecordClickRequest],
    connections: int = 1,
) -> Calls:
    """Return calls for the compiled load generator, which send each request once."""
    messages = [request.SerializeToString() for request in requests]
    return Calls(
        *(target, _METHOD, authorization, messages, len(messages)),
        connections=connections,
        timeout=_TIMEOUT,
    )


class ClickSenders(NamedTuple):
    """Senders to the authority and to the echo server."""

    authority: SendClick
    echo: SendClick

    async def measure_throughput(
        self, requests: Iterator[pb.RecordClickRequest], count: int, callers: int
    ) -> tuple[float, float]:
        """Send the same clicks to the authority, then to the echo; return calls per second."""
        clicks = list(islice(requests, count))
        return (
            await measure_throughput(self.authority, clicks, count, callers),
            await measure_throughput(self.echo, clicks, count, callers),
        )
