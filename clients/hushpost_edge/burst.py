"""Several links of one message within a second: nobody reads that fast. Pure.

A scanner is found out by its second link, when the first is on disk already:
the answer names the earlier events, which the spool then corrects before they
are shipped. What is remembered lives in memory, for a second, up to a bound.

A burst is one only from one network. The token of a mode that a whole group
shares is in the mail of everybody, and two readers in one second are no scanner;
from without, such a token looks like any other.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Bursts"]

_WINDOW = 1.0
_TRAILS = 20_000
_EVENTS_PER_TRAIL = 64


@dataclass(slots=True)
class _Trail:
    """What one network did with one token lately."""

    last: float
    click: float = float("-inf")
    link: int = 0
    is_burst: bool = False
    events: list[tuple[float, int]] = field(default_factory=list)


class Bursts:
    """Remembers the last second, by token and network."""

    def __init__(self, clock: Callable[[], float], trails: int = _TRAILS) -> None:
        self._clock = clock
        self._limit = trails
        self._trails: OrderedDict[tuple[bytes, str | bytes], _Trail] = OrderedDict()

    def observe(
        self, token: bytes, network: str | bytes, link: int, serial: int
    ) -> list[int] | None:
        """Note an event; None if it is part of no burst.

        Otherwise the serial numbers of earlier events that turn out to have
        been part of it.
        """
        now = self._clock()
        trail = self._trail(token, network, now)
        if link:
            if trail.link not in {0, link} and now - trail.click <= _WINDOW:
                trail.is_burst = True
            trail.click, trail.link = now, link
        if not trail.is_burst:
            if len(trail.events) < _EVENTS_PER_TRAIL:
                trail.events.append((now, serial))
            return None
        found = [earlier for moment, earlier in trail.events if now - moment <= _WINDOW]
        trail.events.clear()
        return found

    def _trail(self, token: bytes, network: str | bytes, now: float) -> _Trail:
        trails = self._trails
        trail = trails.get((token, network))
        if trail is None or now - trail.last > _WINDOW:
            trail = trails[token, network] = _Trail(now)
        trail.last = now
        trails.move_to_end((token, network))
        # Two out for one in: old trails go although nobody asks for them.
        for _ in range(2):
            oldest = next(iter(trails))
            if now - trails[oldest].last <= _WINDOW and len(trails) <= self._limit:
                break
            del trails[oldest]
        return trail
