"""`click_p99_ms_at_half_peak`: how long an edge waits for a click that comes when it is due.

`overload_clicks_dropped`: what becomes of clicks at twice of what can be recorded.
Those over it shall be refused in a way that an edge understands and repeats.
"""

import random
from collections.abc import Iterator
from itertools import islice

import grpc

from bench.calls import Send, clicks, sender
from bench.child import Say
from bench.clicks import rates
from bench.echo import echo_server
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import LINKS, SEED, Shape
from bench.schedule import OK, Answers, at_rate
from bench.site import Site
from bench.tenant import opened_tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["measure"]

_SHAPE = Shape(20, 4000)
_OPTED_OUT = 0.2
_CALLERS = 64
_PEAK_CALLS = 4000
_PEAK_ROUNDS = 5
_ROUNDS = 6
_SECONDS = 4.0
_PUNCTUAL = 0.97
"""A schedule that the generator does not keep is another one."""

_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0)
_REFUSED = "RESOURCE_EXHAUSTED"
_SHARE_SECONDS = 3.0


class _Course:
    """Sends clicks when they are due, and counts them."""

    def __init__(self, requests: Iterator[pb.RecordClickRequest], ours: Send, bare: Send) -> None:
        self._requests = requests
        self._pair = ours, bare
        self.recorded = 0
        self.unknown = 0

    async def peak(self, say: Say) -> float:
        """Return clicks per second as fast as answers come; the first round warms up."""
        samples = []
        for turn in range(_PEAK_ROUNDS + 1):
            say(f"looking for the peak, round {turn} of {_PEAK_ROUNDS}")
            samples.append(await rates(self._pair, self._requests, _PEAK_CALLS, _CALLERS))
            self.recorded += _PEAK_CALLS
        return Spread.of([ours for ours, _ in samples[1:]]).median

    async def at(self, rate: float, seconds: float) -> Answers:
        """Send clicks to the authority."""
        part = list(islice(self._requests, round(rate * seconds)))
        answers = await at_rate(self._pair[0], part, rate)
        statuses = answers.statuses
        self.recorded += statuses[OK]
        self.unknown += statuses.total() - statuses[OK] - statuses[_REFUSED]
        return answers

    async def bare_at(self, rate: float, seconds: float) -> Answers:
        """Send clicks to the echo server."""
        part = list(islice(self._requests, round(rate * seconds)))
        answers = await at_rate(self._pair[1], part, rate)
        answers.check()
        return answers


async def measure(site: Site, say: Say) -> list[Result]:
    """Look for the peak, then send clicks at half of it, and at other shares."""
    rng = random.Random(SEED)
    async with echo_server(LINKS[0]) as echo_target, opened_tenant(site, "latency") as tenant:
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        requests = clicks(await tenant.send("latency", _SHAPE), rng)
        async with grpc.aio.insecure_channel(echo_target) as echo_channel:
            course = _Course(
                requests, sender(tenant.channel, tenant.edge), sender(echo_channel, tenant.edge)
            )
            peak = await course.peak(say)
            figure = await _at_half(course, peak, say)
            dropped, curve = await _by_load(course, peak, say)
        counted = await tenant.clicks("latency")
    most = course.recorded + course.unknown
    assert course.recorded <= counted <= most, f"{course.recorded} … {most} clicks, {counted}"
    return [figure, dropped, curve]


async def _at_half(course: _Course, peak: float, say: Say) -> Figure:
    ours, bare = [], []
    for turn in range(_ROUNDS):
        say(f"at {peak / 2:,.0f} clicks/s, round {turn + 1} of {_ROUNDS}")
        ours.append(await course.at(peak / 2, _SECONDS))
        ours[-1].check()
        bare.append(await course.bare_at(peak / 2, _SECONDS))
        late = ours[-1].sent_seconds
        assert late < _SECONDS / _PUNCTUAL, f"sending took {late:.1f} s instead of {_SECONDS} s"
    p99 = [answers.percentile(0.99) * 1000 for answers in ours]
    bare_p99 = [answers.percentile(0.99) * 1000 for answers in bare]
    medians = Spread.of([answers.percentile(0.5) * 1000 for answers in ours])
    return Figure.of(
        "click_p99_ms_at_half_peak",
        p99,
        "ms",
        reference=f"empty grpc.aio echo at the same rate, {Spread.of(bare_p99).median:.2f} ms",
        ratio=Spread.of(p99).median / Spread.of(bare_p99).median,
        conditions=f"{peak / 2:,.0f} clicks/s, half of what {_CALLERS} callers reach, due at fixed "
        f"intervals; median {medians.median:.2f} ms; rounds of {_SECONDS:.0f} s",
    )


async def _by_load(course: _Course, peak: float, say: Say) -> tuple[Figure, Curve]:
    lines: dict[str, list[float]] = {"median": [], "p90": [], "p99": [], "p99.9": []}
    for share in _SHARES:
        say(f"at {share:.0%} of the peak")
        answers = await course.at(peak * share, _SHARE_SECONDS)
        for line, quantile in zip(lines.values(), (0.5, 0.9, 0.99, 0.999), strict=True):
            line.append(answers.percentile(quantile) * 1000)
    curve = Curve(
        "click_latency_by_load",
        "clicks a second that are due",
        "milliseconds from due to answered",
        [peak * share for share in _SHARES],
        lines,
        f"{_SHARE_SECONDS:.0f} s each; {_CALLERS} callers reach {peak:,.0f} clicks/s",
    )
    return _dropped(answers, peak), curve


def _dropped(answers: Answers, peak: float) -> Figure:
    """Return the share of calls that ended neither well nor refused."""
    statuses = answers.statuses
    count = statuses.total()
    found = ", ".join(f"{name} {number / count:.1%}" for name, number in statuses.most_common())
    return Figure.of(
        "overload_clicks_dropped",
        [1 - (statuses[OK] + statuses[_REFUSED]) / count],
        "of all calls",
        conditions=f"{_SHARES[-1]:g} times the peak of {peak:,.0f} clicks/s due for "
        f"{_SHARE_SECONDS:.0f} s, {count / answers.sent_seconds:,.0f} sent a second: {found}; p99 "
        f"of those recorded {answers.percentile(0.99):.2f} s, of those refused "
        f"{answers.percentile(0.99, _REFUSED):.2f} s",
    )
