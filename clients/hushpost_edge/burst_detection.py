"""Detects bursts: several links of one message followed within a second, by a scanner.

A burst is noticed at its second link, when the first click is already on disk. So the
detector also returns the earlier events, whose verdict the spool corrects before they
are shipped. All state is in memory, for about a second, and bounded.

Only requests from the same network form a burst. In mode AGGREGATE, a whole group shares
one token, so two readers could follow two links in the same second; and the edge cannot
distinguish such a token from others.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hushpost_edge.recent_entries import RecentEntries

__all__ = ["BurstDetector"]

_WINDOW_SECONDS = 1.0
_MAX_ENTRIES = 20_000
_EVENTS_PER_ENTRY = 64

_Key = tuple[bytes, str | bytes]


@dataclass(slots=True)
class _Activity:
    """Recent events of one token from one network: the last click, and uncorrected events."""

    click_time: float
    link: int
    events: list[tuple[float, int]]
    is_burst: bool = False


class BurstDetector:
    """Tracks recent events by token and network; `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float], max_entries: int = _MAX_ENTRIES) -> None:
        self._clock = clock
        self._activities: RecentEntries[_Key, _Activity] = RecentEntries(
            _WINDOW_SECONDS, max_entries, clock()
        )

    def observe(
        self, token: bytes, network: str | bytes, link: int, serial: int
    ) -> list[int] | None:
        """Add an event, and return whether it belongs to a burst.

        Returns:
            None if the event belongs to no burst. Otherwise the serial numbers of the
            earlier events of the burst that have not been returned before.
        """
        now = self._clock()
        key = (token, network)
        activity = self._activities.find(key, now)
        if activity is None:
            self._activities.set(key, _Activity(now, link, [(now, serial)]))
            return None
        self._activities.set(key, activity)
        return _update(activity, now, link, serial)


def _update(activity: _Activity, now: float, link: int, serial: int) -> list[int] | None:
    """Add an event to known activity; return the same as `observe`."""
    recent = [event for event in activity.events if now - event[0] <= _WINDOW_SECONDS]
    if now - activity.click_time > _WINDOW_SECONDS:
        activity.is_burst = False
    elif link and activity.link not in {0, link}:
        activity.is_burst = True
    if link:
        activity.click_time, activity.link = now, link
    if not activity.is_burst:
        activity.events = [*recent[-_EVENTS_PER_ENTRY:], (now, serial)]
        return None
    activity.events = []
    return [earlier for _, earlier in recent]
