"""`record_click_vs_echo`: what a durable click costs beside a call that does nothing."""

import random
from collections.abc import Iterator
from itertools import islice

import grpc

from bench.calls import Send, clicks, sender
from bench.child import Say
from bench.echo import echo_server
from bench.load import rate
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import LINKS, SEED, Shape
from bench.site import Site
from bench.tenant import check_recorded, opened_tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["measure", "rates"]

_CALLERS = 64
_CALLS = 2000
_ROUNDS = 15
_SHAPE = Shape(20, 2500)
_OPTED_OUT = 0.2

_CROWDS = (1, 4, 16, 64, 256)
_CROWD_ROUNDS = 3
_CALLS_A_CALLER = 150
"""A crowd of few makes few calls: one caller waits for the disk each time."""


async def measure(site: Site, say: Say) -> list[Result]:
    """Send clicks to the authority and to the echo server, turn by turn."""
    rng = random.Random(SEED)
    async with echo_server(LINKS[0]) as echo_target, opened_tenant(site, "clicks") as tenant:
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        requests = clicks(await tenant.send("clicks", _SHAPE), rng)
        async with grpc.aio.insecure_channel(echo_target) as echo_channel:
            pair = sender(tenant.channel, tenant.edge), sender(echo_channel, tenant.edge)
            samples = await _rounds(pair, requests, say)
            curve, called = await _crowds(pair, requests, say)
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, _CALLS * (_ROUNDS + 1) + called)
    ours, bare = zip(*samples, strict=True)
    figure = Figure.of_ratio(
        "record_click_vs_echo",
        ours,
        bare,
        reference=f"empty grpc.aio echo, {Spread.of(bare).median:,.0f} calls/s",
        conditions=f"{Spread.of(ours).median:,.0f} clicks/s by {_CALLERS} callers, "
        f"{_OPTED_OUT:.0%} anonymous",
    )
    return [figure, curve]


async def rates(
    pair: tuple[Send, Send], requests: Iterator[pb.RecordClickRequest], count: int, callers: int
) -> tuple[float, float]:
    """Send the same clicks to both, as fast as answers come; return calls per second."""
    part = list(islice(requests, count))
    ours, bare = pair
    return await rate(ours, part, count, callers), await rate(bare, part, count, callers)


async def _rounds(
    pair: tuple[Send, Send], requests: Iterator[pb.RecordClickRequest], say: Say
) -> list[tuple[float, float]]:
    """Return clicks per second of each round; the first one warms up and is left out."""
    samples = []
    for turn in range(_ROUNDS + 1):
        say(f"round {turn} of {_ROUNDS}")
        samples.append(await rates(pair, requests, _CALLS, _CALLERS))
    return samples[1:]


async def _crowds(
    pair: tuple[Send, Send], requests: Iterator[pb.RecordClickRequest], say: Say
) -> tuple[Curve, int]:
    """Return clicks per second by the number of callers, and how many clicks that were."""
    ours, bare, called = [], [], 0
    for callers in _CROWDS:
        say(f"{callers} callers")
        count = min(callers * _CALLS_A_CALLER, _CALLS)
        samples = [await rates(pair, requests, count, callers) for _ in range(_CROWD_ROUNDS)]
        ours.append(Spread.of([sample[0] for sample in samples]).median)
        bare.append(Spread.of([sample[1] for sample in samples]).median)
        called += count * _CROWD_ROUNDS
    curve = Curve(
        "clicks_by_callers",
        "callers, each with one call under way",
        "calls a second",
        _CROWDS,
        {"RecordClick, durable": ours, "empty grpc.aio echo": bare},
        f"median of {_CROWD_ROUNDS} rounds, {_OPTED_OUT:.0%} anonymous",
    )
    return curve, called
