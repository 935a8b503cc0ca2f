"""Counts recorded events by mode: sampled, and up to an hour late.

The number of anonymous events must not be known exactly, nor when one was recorded. Each event
counts with a probability of 1 in 256 (see `hushpost_runtime/event_sampling.py`), and only once
the hour is over, so that a sample can be linked to no act.
"""

import asyncio
from collections.abc import Mapping

from prometheus_client import Counter

from hushpost_runtime.event_sampling import sampled
from hushpost_service.domain.counters import CounterKey
from hushpost_service.domain.modes import Mode

__all__ = ["EventModes"]

_INTERVAL_SECONDS = 3600

_EVENTS = Counter(
    "hushpost_events_total",
    "Events that were recorded, by mode; sampled, and published once an hour.",
    ["mode"],
)


class EventModes:
    """Adds events up by mode, and publishes the sums once an hour."""

    def __init__(self) -> None:
        self._waiting: dict[int, int] = {}
        for mode in Mode:
            if mode is not Mode.OFF:  # leaves nothing that could be counted
                _EVENTS.labels(mode.name)

    def add(self, counts: Mapping[CounterKey, int]) -> None:
        """Add the events of a commit, given by counter."""
        by_mode = [0, 0, 0, 0]
        for key, events in counts.items():
            by_mode[key[4]] += events
        for mode, events in enumerate(by_mode):
            if events and (added := sampled(events)):
                self._waiting[mode] = self._waiting.get(mode, 0) + added

    def publish(self) -> None:
        """Add what has been counted so far to the metric."""
        for mode, events in self._waiting.items():
            _EVENTS.labels(Mode(mode).name).inc(events)
        self._waiting.clear()

    async def run_forever(self) -> None:
        """Publish every hour, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            self.publish()
