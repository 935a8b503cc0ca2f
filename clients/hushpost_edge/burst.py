"""Several links of one message within a second: nobody reads that fast. Pure.

A scanner is found out by its second link, when the first is on disk already:
the answer names the earlier events, which the spool then corrects before they
are shipped. What is remembered lives in memory, for a second, up to a bound.

A burst is one only from one network. The token of a mode that a whole group
shares is in the mail of everybody, and two readers in one second are no scanner;
from without, such a token looks like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Bursts"]

_WINDOW = 1.0
_TRAILS = 20_000
_EVENTS_PER_TRAIL = 64

_Key = tuple[bytes, str | bytes]


@dataclass(slots=True)
class _Trail:
    """What one network did with one token lately; the last click, and events not corrected."""

    click: float
    link: int
    events: list[tuple[float, int]]
    is_burst: bool = False


class Bursts:
    """Remembers the last second or two, by token and network.

    In two generations, of which the older is thrown away as a whole: looking
    for what is too old would cost more than all the rest.
    """

    def __init__(self, clock: Callable[[], float], trails: int = _TRAILS) -> None:
        self._clock = clock
        self._limit = trails
        self._young: dict[_Key, _Trail] = {}
        self._old: dict[_Key, _Trail] = {}
        self._born = clock()

    def observe(
        self, token: bytes, network: str | bytes, link: int, serial: int
    ) -> list[int] | None:
        """Note an event; None if it is part of no burst.

        Otherwise the serial numbers of earlier events that turn out to have
        been part of it.
        """
        now = self._clock()
        if now - self._born > _WINDOW or len(self._young) >= self._limit:
            self._old, self._young, self._born = self._young, {}, now
        key = (token, network)
        trail = self._young.get(key) or self._old.get(key)
        if trail is None:
            self._young[key] = _Trail(now, link, [(now, serial)])
            return None
        self._young[key] = trail
        return _followed(trail, now, link, serial)


def _followed(trail: _Trail, now: float, link: int, serial: int) -> list[int] | None:
    """Add an event to a trail; answer as `observe`."""
    recent = [event for event in trail.events if now - event[0] <= _WINDOW]
    if now - trail.click > _WINDOW:
        trail.is_burst = False
    elif link and trail.link not in {0, link}:
        trail.is_burst = True
    if link:
        trail.click, trail.link = now, link
    if not trail.is_burst:
        trail.events = [*recent[-_EVENTS_PER_TRAIL:], (now, serial)]
        return None
    trail.events = []
    return [earlier for _, earlier in recent]
