"""How many ANONYMOUS messages a contact gets: what their counts reveal adds up. Pure."""

from datetime import datetime

__all__ = ["COUNTED_PERIODS", "MAX_LIMIT", "period_of"]

_PERIOD_SECONDS = 30 * 24 * 3600

COUNTED_PERIODS = 4
"""Messages of this period and the three before it count, so those of at least 90 days."""

MAX_LIMIT = 1000
"""The greatest limit that a policy can set."""


def period_of(time: datetime) -> int:
    """Return the number of the period of 30 days that a time is in."""
    return int(time.timestamp()) // _PERIOD_SECONDS
