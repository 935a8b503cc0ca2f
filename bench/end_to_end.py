"""`end_to_end_clicks_per_second`: from a reader's click over HTTP to the number in a report.

Clicks come at a fixed rate. The rate counts only if it can go on like this: the
edge's spool must not grow. A few short trials look for such a rate, rounds then
measure it.
"""

import asyncio
import math
import statistics
import time
from dataclasses import dataclass

from bench.child import Say
from bench.clicking import Order, Outcome
from bench.front import opened_edge
from bench.readers import Readers, opened_readers
from bench.results import Figure, Result, Spread
from bench.scenario import LINKS, Shape
from bench.site import Site
from bench.tenant import Tenant, opened_tenant

__all__ = ["measure"]

_GROUPS = 20
_MOST_MESSAGES = 10_000
_OPTED_OUT = 0.2
_CONNECTIONS = 64
_ROUNDS = 3
_TRIALS = 5
_TRIAL_SECONDS = 9.0
_SECONDS = 14.0
_FIRST_RATE = 6000.0
_UP, _DOWN = 1.25, 0.93

_RAMP_SECONDS = 4.0
"""The edge holds events for 2.5 s and looks for them every half a second."""

_LOOK_SECONDS = 0.2
_GROWTH = 0.04
"""By how much of a second a second the age of what is not counted may grow.

Events are shipped in batches of more than half a second's worth: over a round,
a straight line through such steps is not more exact than this.
"""

_PUNCTUAL = 0.98
_SHIPPED_SECONDS = 4.5
"""From the last answer until all is counted: 3 s of holding and looking, and the last batches."""

_COUNTED_SECONDS = 30


class _OverloadedError(Exception):
    """The rate could not go on like this; the message says why."""


@dataclass(frozen=True, slots=True)
class _Sustained:
    """Clicks per second that were answered, and that were counted while readers clicked."""

    answered: float
    counted: float
    shipped_seconds: float
    busy: float


class _Course:
    """Sends a campaign for each trial, and has its readers click."""

    def __init__(self, readers: Readers, tenant: Tenant, port: int) -> None:
        self._readers = readers
        self._tenant = tenant
        self._port = port
        self._campaigns = 0

    async def at(self, rate: float, seconds: float) -> _Sustained:
        """Click at a rate for so long, a message once. Raises _OverloadedError."""
        campaign_id = await self._sent(math.ceil(rate * seconds))
        order = Order(self._port, _CONNECTIONS, seconds, rate)
        start = time.monotonic()
        clicking = asyncio.create_task(self._readers.click(order))
        seen = await self._seen(campaign_id, start, clicking)
        outcome = await clicking
        last = time.monotonic()
        await self._tenant.until_counted(campaign_id, outcome.answered, _COUNTED_SECONDS)
        return _checked(rate, outcome, seen, time.monotonic() - last)

    async def _sent(self, count: int) -> str:
        self._campaigns += 1
        campaign_id = f"mailing-{self._campaigns}"
        shape = Shape(_GROUPS, math.ceil(count / _GROUPS))
        await self._readers.take(await self._tenant.send(campaign_id, shape), LINKS)
        return campaign_id

    async def _seen(
        self, campaign_id: str, start: float, clicking: "asyncio.Task[Outcome]"
    ) -> list[tuple[float, int]]:
        """Return what was counted when, in seconds from the start, once the ramp is over."""
        seen = []
        while not clicking.done():
            await asyncio.sleep(_LOOK_SECONDS)
            counted = await self._tenant.clicks(campaign_id)
            now = time.monotonic() - start
            if now > _RAMP_SECONDS and not clicking.done():
                seen.append((now, counted))
        return seen


def _checked(
    rate: float, outcome: Outcome, seen: list[tuple[float, int]], shipped_seconds: float
) -> _Sustained:
    """Make sure that readers were served in time, and that what they did was counted as fast."""
    times, counts = zip(*seen, strict=True)
    counted = statistics.linear_regression(times, counts).slope
    if outcome.rate < rate * _PUNCTUAL:
        raise _OverloadedError(f"{outcome.rate:,.0f} clicks/s answered of {rate:,.0f}")
    if counted < rate * (1 - _GROWTH):
        raise _OverloadedError(f"{counted:,.0f} clicks/s counted of {rate:,.0f}")
    if shipped_seconds > _SHIPPED_SECONDS:
        raise _OverloadedError(f"shipped {shipped_seconds:.1f} s after the last answer")
    return _Sustained(outcome.rate, counted, shipped_seconds, outcome.busy / outcome.seconds)


async def measure(site: Site, say: Say) -> list[Result]:
    """Look for a rate that can go on, then measure at it; where it can't after all, a bit below."""
    async with opened_readers() as readers, opened_tenant(site, "readers") as tenant:
        say("making contacts known")
        await tenant.opt_out(Shape(_GROUPS, _MOST_MESSAGES).opted_out(_OPTED_OUT))
        with opened_edge(site, tenant) as edge:
            course = _Course(readers, tenant, edge.port)
            rate = await _found(course, say)
            rounds: list[_Sustained] = []
            failures = 0
            while len(rounds) < _ROUNDS:
                say(f"round {len(rounds) + 1} of {_ROUNDS}, at {rate:,.0f} clicks/s")
                try:
                    rounds.append(await course.at(rate, _SECONDS))
                except _OverloadedError:
                    rate *= _DOWN
                    failures += 1
    return [_figure(rounds, failures)]


async def _found(course: _Course, say: Say) -> float:
    """Return the highest rate that a trial sustained, after going up in ever smaller steps."""
    best, rate, up, why = 0.0, _FIRST_RATE, _UP, ""
    for trial in range(_TRIALS):
        say(f"trial {trial + 1} of {_TRIALS}, at {rate:,.0f} clicks/s {why}")
        try:
            await course.at(rate, _TRIAL_SECONDS)
        except _OverloadedError as error:
            why = f"(before: {error})"
            up = math.sqrt(up)
            rate = best * up if best else rate / _UP
        else:
            why = "(before: sustained)"
            best, rate = rate, rate * up
    assert best, f"no rate was sustained {why}"
    return best


def _figure(rounds: list[_Sustained], failures: int) -> Figure:
    # What was answered is also counted in the end; a round is worth the lower
    # of the two speeds.
    spread = Spread.of([min(each.answered, each.counted) for each in rounds])
    shipped = max(each.shipped_seconds for each in rounds)
    busy = statistics.median(each.busy for each in rounds)
    return Figure(
        name="end_to_end_clicks_per_second",
        value=spread.median,
        unit="clicks/s",
        reference="",
        ratio=None,
        low=spread.low,
        high=spread.high,
        rounds=len(rounds),
        conditions=f"{_SECONDS:.0f} s at a fixed rate, spool not growing, counted to the click "
        f"{shipped:.1f} s after the last answer; {_OPTED_OUT:.0%} anonymous, one click a message; "
        f"load generator {busy:.0%} of a core; {failures} rounds gave up a higher rate",
    )
