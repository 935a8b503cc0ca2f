"""What workers know of one token and one network: recent clicks, in a limited number of bytes."""

from dataclasses import dataclass, field
from itertools import chain
from struct import Struct
from typing import Self

__all__ = ["ACTIVITY_BYTES", "Activity", "RecentEvent", "pack_first"]

RecentEvent = tuple[float, int, int]
"""The time of an event, the worker that recorded it, and its serial number there."""

_MAX_EVENTS = 6
_MAX_COUNT = 0xFFFF
_LINKS = 4
_FORMATS = [
    Struct(f"<BdHHIddddBB{_LINKS}I{_LINKS}I{events * 'dBQ'}") for events in range(_MAX_EVENTS + 1)
]
"""By the number of events, which is in the first byte."""

# Where these fields start.
_QUICK_LINKS = 11
_HEAD_LINKS = _QUICK_LINKS + _LINKS
_EVENTS = _HEAD_LINKS + _LINKS

ACTIVITY_BYTES = _FORMATS[-1].size


def _no_links() -> list[int]:
    return [0] * _LINKS


@dataclass(slots=True)
class Activity:
    """Recent events of one token from one network. Times are in seconds.

    Attributes:
        click_time: When the last link was followed.
        in_order: How many links, up to the last one, were followed in order, quickly.
        slowly_in_order: The same, with longer pauses.
        link: The last link, 0 if none was followed.
        head_time: When the last HEAD request for a link was made.
        trapped_until: Until when each click is of a scanner, because it followed the trap link.
        scanner_until: Until when clicks and opens are of a scanner.
        trial_until: The same, by rules on trial.
        rule: The number of the rule that set `scanner_until`.
        trial_rule: The number of the rule that set `trial_until`.
        quick_links: The last four different links that were followed without a pause.
        head_links: The links of the last four HEAD requests that no GET followed.
        events: Events that have not been corrected; the last six are kept.
    """

    click_time: float = 0.0
    in_order: int = 0
    slowly_in_order: int = 0
    link: int = 0
    head_time: float = 0.0
    trapped_until: float = 0.0
    scanner_until: float = 0.0
    trial_until: float = 0.0
    rule: int = 0
    trial_rule: int = 0
    quick_links: list[int] = field(default_factory=_no_links)
    head_links: list[int] = field(default_factory=_no_links)
    events: list[RecentEvent] = field(default_factory=list)

    @classmethod
    def unpack(cls, value: bytes) -> Self:
        """Decode an activity."""
        fields = _FORMATS[value[0]].unpack_from(value)
        numbers = iter(fields[_EVENTS:])
        events = list(zip(numbers, numbers, numbers, strict=True))
        activity = cls(*fields[1:_QUICK_LINKS])
        activity.quick_links = list(fields[_QUICK_LINKS:_HEAD_LINKS])
        activity.head_links = list(fields[_HEAD_LINKS:_EVENTS])
        activity.events = events
        return activity

    def pack(self) -> bytes:
        """Encode the activity."""
        events = self.events[-_MAX_EVENTS:]
        return _FORMATS[len(events)].pack(
            len(events),
            self.click_time,
            min(self.in_order, _MAX_COUNT),
            min(self.slowly_in_order, _MAX_COUNT),
            self.link,
            self.head_time,
            self.trapped_until,
            self.scanner_until,
            self.trial_until,
            self.rule,
            self.trial_rule,
            *self.quick_links,
            *self.head_links,
            *chain.from_iterable(events),
        )


def pack_first(event: RecentEvent, link: int) -> bytes:
    """Encode an activity of one event: a click, or an open with the link 0.

    Most messages have only one. This takes a quarter of the time of adding the event to a new
    `Activity` (`make bench ONLY=edge_click_vs_bare`).
    """
    click_time, in_order = (event[0], 1) if link else (0.0, 0)
    return _FORMATS[1].pack(
        1,
        click_time,
        in_order,
        in_order,
        link,
        *_NO_TIMES_NOR_RULES,
        link,
        *_NO_OTHER_LINKS,
        *event,
    )


_NO_TIMES_NOR_RULES = (0.0,) * 4 + (0,) * 2
_NO_OTHER_LINKS = (0,) * (2 * _LINKS - 1)
