"""`record_click_vs_echo`: what a durable click costs beside a call that does nothing."""

import random
from collections.abc import Awaitable, Callable, Sequence

import grpc

from bench.child import Say
from bench.echo import echo_server
from bench.load import rate
from bench.results import Figure, Spread, ratios
from bench.scenario import LINKS, SEED, Shape, request_id
from bench.site import Site
from bench.tenant import Metadata, check_recorded, opened_tenant
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub

__all__ = ["measure"]

_CALLERS = 64
_CALLS = 2000
_ROUNDS = 15
_SHAPE = Shape(20, 1600)
_OPTED_OUT = 0.2
_TIMEOUT = 30


async def measure(site: Site, say: Say) -> list[Figure]:
    """Send clicks to the authority and to the echo server, turn by turn."""
    rng = random.Random(SEED)
    async with echo_server(LINKS[0]) as echo_target, opened_tenant(site, "clicks") as tenant:
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        clicks = _clicks(await tenant.send("clicks", _SHAPE), rng)
        async with grpc.aio.insecure_channel(echo_target) as echo_channel:
            ours, bare = await _rounds(
                _send(tenant.channel, tenant.edge), _send(echo_channel, tenant.edge), clicks, say
            )
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, _CALLS * (_ROUNDS + 1))
    ratio = ratios(ours, bare)
    return [
        Figure(
            name="record_click_vs_echo",
            value=ratio.median,
            unit="ratio",
            reference=f"empty grpc.aio echo, {Spread.of(bare).median:,.0f} calls/s",
            ratio=ratio.median,
            low=ratio.low,
            high=ratio.high,
            rounds=_ROUNDS,
            conditions=f"{Spread.of(ours).median:,.0f} clicks/s by {_CALLERS} callers, "
            f"{_OPTED_OUT:.0%} anonymous",
        )
    ]


Send = Callable[[pb.RecordClickRequest], Awaitable[pb.RecordClickResponse]]


def _send(channel: grpc.aio.Channel, metadata: Metadata) -> Send:
    stub = TrackingServiceStub(channel)
    return lambda click: stub.RecordClick(click, metadata=metadata, timeout=_TIMEOUT)


async def _rounds(
    ours: Send, bare: Send, clicks: Sequence[pb.RecordClickRequest], say: Say
) -> tuple[list[float], list[float]]:
    """Return clicks per second of each round; the first one warms up and is left out."""
    measured: tuple[list[float], list[float]] = ([], [])
    for turn in range(_ROUNDS + 1):
        say(f"round {turn} of {_ROUNDS}")
        part = clicks[turn * _CALLS : (turn + 1) * _CALLS]
        assert len(part) == _CALLS
        rates = [await rate(send, part, _CALLS, _CALLERS) for send in (ours, bare)]
        if turn:
            for samples, sample in zip(measured, rates, strict=True):
                samples.append(sample)
    return measured


def _clicks(tokens: list[str], rng: random.Random) -> list[pb.RecordClickRequest]:
    """Return one click per message, in random order."""
    rng.shuffle(tokens)
    return [
        pb.RecordClickRequest(
            token=token,
            link_number=rng.randint(1, len(LINKS)),
            verdict=Verdict.VERDICT_HUMAN,
            request_id=request_id(rng),
        )
        for token in tokens
    ]
