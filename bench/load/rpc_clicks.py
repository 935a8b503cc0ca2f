"""Unary `RecordClick` calls, to the authority and to the echo server."""

import random
from collections.abc import Iterator, Sequence

from bench.load.call_load_process import Calls
from bench.scenario import LINKS, request_id
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict

__all__ = ["click_calls", "click_requests"]

_METHOD = "/hushpost.v1.TrackingService/RecordClick"
_TIMEOUT = 30


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
