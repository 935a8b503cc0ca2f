"""Runs the load, and samples what it does to the installation."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg

from bench.soak.control import LeakingProcess, leaking_process
from bench.soak.installation import running_installation
from bench.soak.other_calls import make_other_calls
from bench.soak.sampling import Sample, sample_installation, sample_processes
from bench.soak.series import Recording
from bench.soak.steady_load import SteadyLoad, load_generators
from bench.soak.trend import MIN_SAMPLES

__all__ = ["Outcome", "Plan", "soak"]

_EDGES = 2
ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a soak takes, and its load.

    Attributes:
        seconds: How long the load lasts; longer if there are too few samples by then.
        rate: Clicks per second; None for a share of the capacity, which is measured first.
        capacity_share: That share.
        sample_seconds: The time between two samples.
        campaign_seconds: The time between two new campaigns.
        warm_up_calls: Clicks that each authority receives in single calls before the first sample,
            so that caches of fixed size do not fill up later.
        has_control: Whether a process that leaks is sampled too.
    """

    seconds: float
    rate: float | None = None
    capacity_share: float = 0.7
    sample_seconds: float = 5.0
    campaign_seconds: float = 60.0
    warm_up_calls: int = 100_000
    has_control: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a soak found: the samples, the rate, and the clicks, all of which were counted once."""

    recording: Recording
    rate: float
    capacity: float | None
    clicks: int


async def soak(plan: Plan, report_progress: ReportProgress) -> Outcome:
    """Run an installation under steady load.

    Raises:
        AssertionError: A click was not redirected, or not counted exactly once.
    """
    with ExitStack() as stack:
        # Before any channel: gRPC warns when a process with one forks.
        control = stack.enter_context(leaking_process()) if plan.has_control else None
        async with load_generators(_EDGES) as generators, running_installation() as installation:
            report_progress("issuing tokens")
            load = await SteadyLoad.prepared(installation, generators)
            if plan.warm_up_calls:
                report_progress("filling caches")
                await load.fill_caches(plan.warm_up_calls)
            capacity, rate = None, plan.rate
            if rate is None:
                report_progress("measuring the capacity")
                capacity = await load.measure_capacity()
                rate = capacity * plan.capacity_share
            connection = await asyncpg.connect(installation.dsn)
            others = asyncio.create_task(make_other_calls(installation, load))

            async def sample() -> list[Sample]:
                assert not others.done(), others.exception()
                samples = await sample_installation(installation, connection, load, rate)
                return [*samples, *_sample_control(control)]

            try:
                recording = await _record(plan, load, rate, sample, report_progress)
            finally:
                others.cancel()
                await asyncio.gather(others, return_exceptions=True)
                await connection.close()
            report_progress("waiting until all clicks are counted")
            await load.wait_until_counted()
            return Outcome(recording, rate, capacity, load.total)


async def _record(
    plan: Plan,
    load: SteadyLoad,
    rate: float,
    sample: Callable[[], Awaitable[list[Sample]]],
    report_progress: ReportProgress,
) -> Recording:
    recording = Recording()
    start = time.monotonic()
    campaigns = 1
    while (now := time.monotonic() - start) < plan.seconds or len(recording.times) < MIN_SAMPLES:
        report_progress(f"{now / 60:.1f} of {plan.seconds / 60:.1f} minutes, {rate:,.0f} clicks/s")
        if now > campaigns * plan.campaign_seconds:
            await load.next_campaign()
            campaigns += 1
        clicking = asyncio.create_task(load.run(plan.sample_seconds, rate))
        # In the middle of the load, while its connections are open.
        await asyncio.sleep(plan.sample_seconds / 2)
        recording.add(time.monotonic() - start, await sample())
        await clicking
    return recording


def _sample_control(control: LeakingProcess | None) -> list[Sample]:
    if control is None:
        return []
    control.leak()
    return sample_processes({"control": control.pid})
