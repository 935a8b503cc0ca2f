"""`edge_…`: a click that is on disk before its redirect, beside a redirect that records nothing."""

import asyncio
import statistics
from dataclasses import dataclass, field

from bench.child import Say
from bench.clicking import Order, Outcome
from bench.front import opened_edge
from bench.readers import Readers, opened_readers
from bench.redirect import bare_redirect
from bench.results import Figure, Result, Spread, ratios
from bench.scenario import LINKS, Shape
from bench.site import Site
from bench.tenant import Tenant, opened_tenant

__all__ = ["measure"]

_CAMPAIGN = "edge"
_SHAPE = Shape(20, 4000)
_OPTED_OUT = 0.2
_CONNECTIONS = 128
"""So many that the edge is held up by its work: with 64 readers it waits for the disk."""

_BURSTS = 7
_ROUNDS_IN_BURST = 2
_SECONDS = 0.6
"""A burst is over before the edge has held its first events long enough to ship them."""

_PATIENT_ROUNDS = 6
_PATIENT_SECONDS = 2.2
"""As with bursts: half of that load means the same load."""

_PUNCTUAL = 0.97
"""A fixed rate that is not kept is a queue, whose latencies say nothing."""

_SETTLE_SECONDS = 0.7
"""Having shipped all, the edge cuts its log half a second later."""

_COUNTED_SECONDS = 20


@dataclass(slots=True)
class _Measured:
    """Outcomes of rounds: the edge's, and those of the bare redirect."""

    ours: list[Outcome] = field(default_factory=list)
    bare: list[Outcome] = field(default_factory=list)


class _Course:
    """Has readers click, at the edge and at the bare redirect, turn by turn."""

    def __init__(self, readers: Readers, tenant: Tenant, edge: int, bare: int) -> None:
        self._readers = readers
        self._tenant = tenant
        self._edge = edge
        self._bare = bare
        self._clicks = 0

    async def fast(self, say: Say) -> _Measured:
        """Click as fast as answers come; the first burst warms up and is left out."""
        measured = _Measured()
        for burst in range(_BURSTS + 1):
            say(f"burst {burst} of {_BURSTS}")
            rounds = [
                (await self._at_edge(_SECONDS), await self._at_bare(_SECONDS))
                for _ in range(_ROUNDS_IN_BURST)
            ]
            await self._shipped()
            if burst:
                measured.ours += [ours for ours, _ in rounds]
                measured.bare += [bare for _, bare in rounds]
        return measured

    async def patient(self, ours: float, bare: float, say: Say) -> _Measured:
        """Click at fixed rates."""
        measured = _Measured()
        for turn in range(_PATIENT_ROUNDS):
            say(f"at half the load, round {turn + 1} of {_PATIENT_ROUNDS}")
            measured.ours.append(await self._at_edge(_PATIENT_SECONDS, ours))
            await self._shipped()
            measured.bare.append(await self._at_bare(_PATIENT_SECONDS, bare))
        for outcomes, rate in ((measured.ours, ours), (measured.bare, bare)):
            kept = _rates(outcomes).median / rate
            assert kept > _PUNCTUAL, f"{kept:.0%} of {rate:,.0f} clicks/s answered"
        return measured

    async def _at_edge(self, seconds: float, rate: float | None = None) -> Outcome:
        outcome = await self._readers.click(Order(self._edge, _CONNECTIONS, seconds, rate))
        self._clicks += outcome.answered
        return outcome

    async def _at_bare(self, seconds: float, rate: float | None = None) -> Outcome:
        return await self._readers.click(Order(self._bare, _CONNECTIONS, seconds, rate))

    async def _shipped(self) -> None:
        """Wait until all that was answered is counted, exactly."""
        await self._tenant.until_counted(_CAMPAIGN, self._clicks, _COUNTED_SECONDS)
        await asyncio.sleep(_SETTLE_SECONDS)


async def measure(site: Site, say: Say) -> list[Result]:
    """Measure what the edge can do, then how long its readers wait at half of that."""
    # Before the tenant: gRPC says so at length when a process with a channel forks.
    async with (
        opened_readers() as readers,
        bare_redirect() as bare,
        opened_tenant(site, "edge") as tenant,
    ):
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await readers.take(await tenant.send(_CAMPAIGN, _SHAPE), LINKS)
        with opened_edge(site, tenant) as edge:
            course = _Course(readers, tenant, edge.port, bare)
            fast = await course.fast(say)
            halves = _rates(fast.ours).median / 2, _rates(fast.bare).median / 2
            patient = await course.patient(*halves, say)
    return [_click_vs_bare(fast), _p99_over_median(patient, *halves)]


def _click_vs_bare(measured: _Measured) -> Figure:
    ratio = ratios([each.rate for each in measured.ours], [each.rate for each in measured.bare])
    busy = statistics.median(each.busy / each.seconds for each in measured.ours)
    return Figure(
        name="edge_click_vs_bare",
        value=ratio.median,
        unit="ratio",
        reference=f"bare Starlette redirect on Granian, {_rates(measured.bare).median:,.0f} "
        "clicks/s",
        ratio=ratio.median,
        low=ratio.low,
        high=ratio.high,
        rounds=len(measured.ours),
        conditions=f"{_rates(measured.ours).median:,.0f} clicks/s by one worker over "
        f"{_CONNECTIONS} connections, fsynced; rounds of {_SECONDS} s, shipped afterwards; "
        f"load generator {busy:.0%} of a core",
    )


def _p99_over_median(measured: _Measured, rate: float, bare_rate: float) -> Figure:
    spread = Spread.of([each.p99 / each.median for each in measured.ours])
    bare = Spread.of([each.p99 / each.median for each in measured.bare])
    return Figure(
        name="edge_p99_over_median",
        value=spread.median,
        unit="ratio",
        reference=f"bare Starlette redirect on Granian at {bare_rate:,.0f} clicks/s, "
        f"{bare.median:.3g} ({_latencies(measured.bare)})",
        ratio=spread.median / bare.median,
        low=spread.low,
        high=spread.high,
        rounds=len(measured.ours),
        conditions=f"{rate:,.0f} clicks/s, due at fixed intervals, "
        f"rounds of {_PATIENT_SECONDS} s, shipped afterwards; "
        f"{_latencies(measured.ours)}",
    )


def _rates(outcomes: list[Outcome]) -> Spread:
    return Spread.of([each.rate for each in outcomes])


def _latencies(outcomes: list[Outcome]) -> str:
    median = statistics.median(each.median for each in outcomes)
    p99 = statistics.median(each.p99 for each in outcomes)
    return f"median {median * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms"
