"""Tells rejections that may pass from those that never will."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import structlog

from hushpost_client import ErrorReason, RecordedEvents
from hushpost_edge import metrics
from hushpost_edge.spooled_event import SpooledEvent

__all__ = ["reasons_that_may_pass"]

_log = structlog.get_logger(__name__)

_MAX_AGE = timedelta(days=30) // timedelta(microseconds=1)
"""The authority rejects older events as EVENT_TIME_TOO_OLD."""


def reasons_that_may_pass(
    events: Sequence[SpooledEvent], recorded: RecordedEvents, now: int
) -> dict[int, str]:
    """Return the rejected events to keep, as reasons by index. Count and log the others.

    Everything that a restart, a rotation of keys, a restored database or a corrected clock
    can mend may pass. Reasons that this version does not know may pass, too.

    Args:
        events: The events that were sent.
        recorded: The response.
        now: The time of the edge, in microseconds since 1970.
    """
    kept = {}
    for rejected in recorded.rejected:
        if _may_pass(rejected.reason, now - events[rejected.index].time):
            kept[rejected.index] = str(rejected.reason)
    lost = Counter(one.reason for one in recorded.rejected if one.index not in kept)
    for reason, number in lost.items():
        metrics.REJECTED_EVENTS.labels(reason).inc(number)
        _log.warning("events rejected for good by the authority", reason=reason, events=number)
    return kept


def _may_pass(reason: ErrorReason, age: int) -> bool:
    if reason is ErrorReason.EVENT_TIME_TOO_OLD:
        # If the event is recent for the edge, one of the two clocks is wrong.
        return age < _MAX_AGE
    return reason is not ErrorReason.TOKEN_INVALID
