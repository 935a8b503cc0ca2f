"""`end_to_end_clicks_per_second`: clicks over HTTP that are counted in the statistics.

Clicks are sent to the edge at a fixed rate. A rate counts only if it is sustainable: the
edge's spool must not grow. A few short trials search for such a rate, rounds then
measure it.
"""

import asyncio
import math
import statistics
import time
from dataclasses import dataclass

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.edge_process import running_edge
from bench.load.http_load_process import (
    HttpLoad,
    HttpLoadProcess,
    HttpLoadResult,
    start_http_load_process,
)
from bench.results import Figure, Result
from bench.scenario import LINKS, MailingShape
from bench.tenant import Tenant, create_tenant

__all__ = ["measure"]

_GROUPS = 20
_MAX_MESSAGES = 10_000
_OPTED_OUT = 0.2
_CONNECTIONS = 256
"""With 128, clicks at the highest rates wait for a free connection while the edge ships a batch."""

_ROUNDS = 3
_TRIALS = 7
_TRIAL_SECONDS = 9.0
_SECONDS = 14.0
_FIRST_RATE = 10_000.0
_STEP_UP, _STEP_DOWN = 1.25, 0.93

_RAMP_SECONDS = 4.0
"""The edge holds events for 2.5 s and checks for due ones every half second."""

_POLL_SECONDS = 0.2
_TOLERANCE = 0.04
"""The counted rate may fall this far below the clicked rate.

Events are shipped in batches of more than half a second's worth, so that the slope of a
line through these steps has about this error over a round.
"""

_MIN_PUNCTUALITY = 0.98
_SHIPPING_SECONDS = 4.5
"""Limit from the last redirect until all clicks are counted: 3 s of holding, plus shipping."""

_COUNTED_TIMEOUT = 30


class _OverloadedError(Exception):
    """The rate was not sustainable; the message says why."""


@dataclass(frozen=True, slots=True)
class _Sustained:
    """A rate that was sustained.

    Attributes:
        redirected: Clicks redirected per second.
        counted: Clicks counted per second meanwhile.
        shipping_seconds: From the last redirect until all clicks were counted.
        cpu_share: Share of one core that the load generator used.
        p99: Latency of a redirect in seconds.
    """

    redirected: float
    counted: float
    shipping_seconds: float
    cpu_share: float
    p99: float


class _ClickLoad:
    """Creates a campaign for each trial and clicks on its links."""

    def __init__(self, generator: HttpLoadProcess, tenant: Tenant, port: int) -> None:
        self._generator = generator
        self._tenant = tenant
        self._port = port
        self._campaigns = 0

    async def run(self, rate: float, seconds: float) -> _Sustained:
        """Click once per message at a fixed rate. Raises _OverloadedError."""
        campaign_id = await self._send_campaign(math.ceil(rate * seconds))
        load = HttpLoad(self._port, _CONNECTIONS, seconds, rate)
        start = time.monotonic()
        clicking = asyncio.create_task(self._generator.run(load))
        counts = await self._poll_counts(campaign_id, start, clicking)
        result = await clicking
        last = time.monotonic()
        await self._tenant.wait_until_counted(campaign_id, result.clicks, _COUNTED_TIMEOUT)
        return _check_sustained(rate, result, counts, time.monotonic() - last)

    async def _send_campaign(self, messages: int) -> str:
        self._campaigns += 1
        campaign_id = f"mailing-{self._campaigns}"
        shape = MailingShape(_GROUPS, math.ceil(messages / _GROUPS))
        tokens = await self._tenant.send_campaign(campaign_id, shape)
        await self._generator.set_messages(tokens, LINKS)
        return campaign_id

    async def _poll_counts(
        self, campaign_id: str, start: float, clicking: "asyncio.Task[HttpLoadResult]"
    ) -> list[tuple[float, int]]:
        """Return pairs of seconds since the start and clicks counted by then, after the ramp."""
        counts = []
        while not clicking.done():
            await asyncio.sleep(_POLL_SECONDS)
            counted = await self._tenant.count_clicks(campaign_id)
            now = time.monotonic() - start
            if now > _RAMP_SECONDS and not clicking.done():
                counts.append((now, counted))
        return counts


def _check_sustained(
    rate: float, result: HttpLoadResult, counts: list[tuple[float, int]], shipping_seconds: float
) -> _Sustained:
    """Check that redirects and statistics kept the rate. Raises _OverloadedError."""
    times, clicks = zip(*counts, strict=True)
    counted = statistics.linear_regression(times, clicks).slope
    if result.rate < rate * _MIN_PUNCTUALITY:
        raise _OverloadedError(f"{result.rate:,.0f} of {rate:,.0f} clicks/s redirected")
    if counted < rate * (1 - _TOLERANCE):
        raise _OverloadedError(f"{counted:,.0f} of {rate:,.0f} clicks/s counted")
    if shipping_seconds > _SHIPPING_SECONDS:
        raise _OverloadedError(f"counted {shipping_seconds:.1f} s after the last redirect")
    return _Sustained(result.rate, counted, shipping_seconds, result.cpu_share, result.p99)


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Search for a sustainable rate, then measure at it, or below if it fails after all."""
    async with (
        start_http_load_process() as generator,
        create_tenant(authority, "readers") as tenant,
    ):
        report_progress("creating contacts")
        await tenant.opt_out(MailingShape(_GROUPS, _MAX_MESSAGES).opted_out(_OPTED_OUT))
        with running_edge(authority, tenant) as edge:
            load = _ClickLoad(generator, tenant, edge.port)
            rate = await _search_rate(load, report_progress)
            rounds: list[_Sustained] = []
            failures = 0
            while len(rounds) < _ROUNDS:
                report_progress(f"round {len(rounds) + 1} of {_ROUNDS}, at {rate:,.0f} clicks/s")
                try:
                    rounds.append(await load.run(rate, _SECONDS))
                except _OverloadedError:
                    rate *= _STEP_DOWN
                    failures += 1
    return [_figure(rounds, failures)]


async def _search_rate(load: _ClickLoad, report_progress: ReportProgress) -> float:
    """Return the highest rate that a trial sustained; steps get smaller after each failure."""
    best, rate, step, outcome = 0.0, _FIRST_RATE, _STEP_UP, ""
    for trial in range(_TRIALS):
        report_progress(f"trial {trial + 1} of {_TRIALS}, at {rate:,.0f} clicks/s {outcome}")
        try:
            await load.run(rate, _TRIAL_SECONDS)
        except _OverloadedError as error:
            outcome = f"(last trial: {error})"
            step = math.sqrt(step)
            rate = best * step if best else rate / _STEP_UP
        else:
            outcome = "(last trial: sustained)"
            best, rate = rate, rate * step
    assert best, f"no rate was sustained {outcome}"
    return best


def _figure(rounds: list[_Sustained], failures: int) -> Figure:
    shipping_seconds = max(each.shipping_seconds for each in rounds)
    cpu_share = statistics.median(each.cpu_share for each in rounds)
    p99 = statistics.median(each.p99 for each in rounds)
    return Figure.of(
        "end_to_end_clicks_per_second",
        # The counted rate is a regression, which may exceed the rate of clicks.
        [min(each.redirected, each.counted) for each in rounds],
        "clicks/s",
        conditions=f"{_SECONDS:.0f} s at a fixed rate with a spool that does not grow, every click "
        f"counted {shipping_seconds:.1f} s after the last redirect; {_OPTED_OUT:.0%} anonymous, "
        f"one click per message; p99 of a redirect {p99 * 1000:.1f} ms; load generator "
        f"{cpu_share:.0%} of a core; {failures} rounds failed at a higher rate",
    )
