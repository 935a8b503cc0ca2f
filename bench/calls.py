"""Unary clicks: what is sent to the authority, and to the echo server beside it."""

import random
from collections.abc import Awaitable, Callable, Iterator

import grpc

from bench.scenario import LINKS, request_id
from bench.tenant import Metadata
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub

__all__ = ["Send", "clicks", "sender"]

Send = Callable[[pb.RecordClickRequest], Awaitable[pb.RecordClickResponse]]

_TIMEOUT = 30


def sender(channel: grpc.aio.Channel, metadata: Metadata) -> Send:
    """Return what sends a click."""
    stub = TrackingServiceStub(channel)
    return lambda click: stub.RecordClick(click, metadata=metadata, timeout=_TIMEOUT)


def clicks(tokens: list[str], rng: random.Random) -> Iterator[pb.RecordClickRequest]:
    """Yield one click per message, in random order, and then more of them."""
    while True:
        rng.shuffle(tokens)
        for token in tokens:
            yield pb.RecordClickRequest(
                token=token,
                link_number=rng.randint(1, len(LINKS)),
                verdict=Verdict.VERDICT_HUMAN,
                request_id=request_id(rng),
            )
