"""Avoids the last seconds of an hour, where the hour of an event is ambiguous."""

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["clear_of_full_hour"]

_HOUR_SECONDS = 3600
_MARGIN_SECONDS = 5


async def clear_of_full_hour() -> datetime:
    """Return the time; wait if the hour ends within a few seconds.

    So that it is certain in which hour is counted what follows.
    """
    left = _HOUR_SECONDS - time.time() % _HOUR_SECONDS
    if left < _MARGIN_SECONDS:
        await asyncio.sleep(left + 0.1)
    return datetime.now(UTC)
