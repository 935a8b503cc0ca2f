"""Detects bursts and sweeps: links of one message followed by a scanner, not by a person.

A burst is several links within a second. A sweep is the links one after the other, in order, each
within some seconds of the one before: from the first link on three, otherwise four. It catches
scanners that wait between requests. One click on the trap link reveals a scanner, too.

All are noticed when earlier clicks are already on disk. So the detector also returns the
events of the last moments, whose verdict the spool corrects before they are shipped. All state
is in memory, for minutes at most, and bounded.

Only requests from the same network form a burst or a sweep. In mode AGGREGATE, a whole group
shares one token, so two readers could follow two links in the same second; and the edge
cannot distinguish such a token from others.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hushpost_edge.recent_entries import RecentEntries

__all__ = ["BurstDetector"]

_BURST_SECONDS = 1.0
_CORRECTION_SECONDS = 1.5
"""Half a second less than the spool allows, for the commit."""

_SWEEP_SECONDS = 5.0
_SWEEP_LINKS = 4
_SWEEP_LINKS_FROM_FIRST = 3

_TRAP_SECONDS = 120.0
"""How long the clicks of a client that followed the trap link are a scanner's."""

_MAX_ENTRIES = 40_000
"""Per generation, of which there are two; an entry takes about 400 bytes."""

_EVENTS_PER_ENTRY = 64

_Key = tuple[bytes, str | bytes]


@dataclass(slots=True)
class _Activity:
    """Recent events of one token from one network.

    Attributes:
        events: Times and serial numbers of events that have not been corrected.
        click_time: When the last link was followed, or the first event.
        link: The last link, 0 if none was followed.
        links_in_order: How many links, up to the last one, were followed in order.
        scanner_until: Until when clicks and opens are of a scanner.
    """

    events: list[tuple[float, int]]
    click_time: float
    link: int = 0
    links_in_order: int = 0
    scanner_until: float = 0.0


class BurstDetector:
    """Tracks recent events by token and network; `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float], max_entries: int = _MAX_ENTRIES) -> None:
        self._clock = clock
        self._activities: RecentEntries[_Key, _Activity] = RecentEntries(
            _SWEEP_SECONDS, max_entries, clock()
        )
        self._trapped: RecentEntries[_Key, float] = RecentEntries(
            _TRAP_SECONDS, max_entries, clock()
        )

    def observe_trap(self, token: bytes, network: str | bytes) -> None:
        """Note that a client has followed the trap link: its next clicks are a scanner's."""
        now = self._clock()
        key = (token, network)
        self._trapped.find(key, now)  # forgets old entries
        self._trapped.set(key, now + _TRAP_SECONDS)

    def observe(
        self, token: bytes, network: str | bytes, link: int, serial: int
    ) -> list[int] | None:
        """Add an event, and return whether it is a scanner's.

        Args:
            token: The token of the event.
            network: The network that the request came from.
            link: The number of the link, 0 for an open.
            serial: The serial number of the event in the spool.

        Returns:
            None if the event is not known to be a scanner's. Otherwise the serial numbers of
            earlier events that are the scanner's and have not been returned before.
        """
        now = self._clock()
        key = (token, network)
        is_trapped = link != 0 and (self._trapped.find(key, now) or 0.0) > now
        activity = self._activities.find(key, now)
        if activity is None:
            self._activities.set(key, _first_activity(now, link, serial, is_trapped=is_trapped))
            return [] if is_trapped else None
        self._activities.set(key, activity)
        recent = [event for event in activity.events if now - event[0] <= _CORRECTION_SECONDS]
        if link:
            _follow(activity, now, link, is_trapped=is_trapped)
        if now > activity.scanner_until:
            activity.events = [*recent[-_EVENTS_PER_ENTRY:], (now, serial)]
            return None
        activity.events = []
        return [earlier for _, earlier in recent]


def _first_activity(now: float, link: int, serial: int, *, is_trapped: bool) -> _Activity:
    if is_trapped:
        return _Activity([], now, link, 1, now + _SWEEP_SECONDS)
    return _Activity([(now, serial)], now, link, 1)


def _follow(activity: _Activity, now: float, link: int, *, is_trapped: bool) -> None:
    """Add a click to the activity; set until when a scanner is at work."""
    pause = now - activity.click_time
    previous = activity.link if pause <= _SWEEP_SECONDS else 0
    if link != previous:
        in_order = previous and link == previous + 1
        activity.links_in_order = activity.links_in_order + 1 if in_order else 1
    is_sweep = activity.links_in_order >= _SWEEP_LINKS or (
        activity.links_in_order == link == _SWEEP_LINKS_FROM_FIRST
    )
    if is_trapped or is_sweep:
        activity.scanner_until = now + _SWEEP_SECONDS
    elif now <= activity.scanner_until or (previous not in {0, link} and pause <= _BURST_SECONDS):
        # A burst or sweep lasts as long as it goes on.
        activity.scanner_until = max(activity.scanner_until, now + _BURST_SECONDS)
    activity.click_time, activity.link = now, link
