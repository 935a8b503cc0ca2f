"""`stats_quorum_vs_plain…`: numbers published under a quorum, beside the same numbers read plainly.

Two tenants get the same anonymous events. One publishes under a quorum of 10,
the other has a quorum of 1, which shows every number as it stands.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.asking import Asking
from bench.child import Say
from bench.events import Batches
from bench.results import Figure, Result, Spread
from bench.scenario import LINKS, SEED, Shape, engagement
from bench.site import Site
from bench.tenant import Tenant, opened_tenant
from hushpost_client import Mode

__all__ = ["measure"]

_QUORUM = 10
_SHAPE = Shape(20, 5000)
_CAMPAIGN = "mailing"
_CALLS = 10
_ROUNDS = 31
_LIVE_ROUNDS = 60
_LIVE_EVENTS = 1000
_PUBLISHED = 0.99
"""At most 9 people in each number are held back: a percent of what was recorded is more."""


@dataclass(slots=True)
class _Measured:
    """Seconds an answer takes, under the quorum and plainly."""

    quorum: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    def figure(self, name: str, conditions: str) -> Figure:
        """Return quorum ÷ plain."""
        return Figure.of_ratio(
            name,
            self.quorum,
            self.plain,
            reference=f"the same with quorum 1, {Spread.of(self.plain).median * 1000:.2f} ms",
            conditions=f"quorum {_QUORUM}: {Spread.of(self.quorum).median * 1000:.2f} ms; "
            f"{_SHAPE.groups} groups, {len(LINKS)} links, "
            f"{_SHAPE.groups * _SHAPE.messages:,} anonymous messages{conditions}",
        )


class _Side:
    """A tenant with its campaign, and the events that are still to come."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._asking = Asking(tenant)
        self._batches = Batches(tenant)

    async def begin(self) -> None:
        """Send the campaign; record what most people do, and keep some for later."""
        rng = random.Random(SEED)
        events = engagement(await self._tenant.send(_CAMPAIGN, _SHAPE), rng)
        kept = (_LIVE_ROUNDS + 1) * _LIVE_EVENTS
        await self._batches.send(events[kept:], rng)
        self._coming = iter(range(0, kept, _LIVE_EVENTS))
        self._events = events
        self._rng = rng

    async def more(self) -> None:
        """Record the next events."""
        start = next(self._coming)
        await self._batches.send(self._events[start : start + _LIVE_EVENTS], self._rng)

    async def seconds(self, calls: int) -> float:
        """Return what one answer takes."""
        return await self._asking.seconds(_CAMPAIGN, calls)

    async def opens(self) -> int:
        """Return how many opens are published."""
        stats = await self._tenant.reporter.stats.get_campaign_stats(_CAMPAIGN)
        return stats.opens.human.anonymous.total + stats.opens.machine.anonymous.total


async def measure(site: Site, say: Say) -> list[Result]:
    """Ask both tenants for their numbers, turn by turn; then again while more happens."""
    async with (
        opened_tenant(site, "quorum", Mode.ANONYMOUS, quorum=_QUORUM) as held,
        opened_tenant(site, "plain", Mode.ANONYMOUS) as exact,
    ):
        sides = _Side(held), _Side(exact)
        say("recording the same events twice")
        for side in sides:
            await side.begin()
        still, live = _Measured(), _Measured()
        for turn in range(_ROUNDS + 1):
            say(f"asking for numbers, round {turn} of {_ROUNDS}")
            await _round(sides, still, _CALLS, is_warm=turn > 0)
        for turn in range(_LIVE_ROUNDS + 1):
            say(f"the same while more happens, round {turn} of {_LIVE_ROUNDS}")
            for side in sides:
                await side.more()
            await _round(sides, live, 1, is_warm=turn > 0)
        published, exactly = [await side.opens() for side in sides]
    assert exactly * _PUBLISHED < published <= exactly, (
        f"{exactly} opens, of which {published} are published"
    )
    return [
        still.figure("stats_quorum_vs_plain", ""),
        live.figure(
            "stats_quorum_vs_plain_live", f"; {_LIVE_EVENTS:,} more events before each answer"
        ),
    ]


async def _round(sides: Sequence[_Side], measured: _Measured, calls: int, *, is_warm: bool) -> None:
    seconds = [await side.seconds(calls) for side in sides]
    if is_warm:
        measured.quorum.append(seconds[0])
        measured.plain.append(seconds[1])
