"""The dates of a campaign's releases. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

__all__ = ["latest_due", "next_due"]


def latest_due(start: datetime, delays: Sequence[int], now: datetime) -> int | None:
    """Return the position of the last date that has passed; None if none has.

    Earlier dates that have passed are not made up for: their share of the budget stays
    unspent.

    Args:
        start: The time of the first message.
        delays: The dates, in seconds after it, ascending.
        now: The current time.
    """
    passed = sum(start + timedelta(seconds=delay) <= now for delay in delays)
    return passed - 1 if passed else None


def next_due(start: datetime, delays: Sequence[int], now: datetime) -> datetime | None:
    """Return the first date after `now`; None if there is none. Arguments as above."""
    dates = (start + timedelta(seconds=delay) for delay in delays)
    return next((date for date in dates if date > now), None)
