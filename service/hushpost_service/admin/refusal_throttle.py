"""Slows down sources whose calls have no valid API key.

The answer to such a call is held back once its source has used up its allowance, so that a
caller that waits for answers can make only a few calls a second. Calls with a valid key are
never held back, also if they come from such a source.
"""

import asyncio
import math
from collections.abc import Callable

from hushpost_service.bounded_cache import BoundedCache

__all__ = ["RefusalThrottle"]

_BURST = 100
"""Refused calls of a source that are answered at once."""

_PER_SECOND = 20.0
"""Refused calls of a source per second after that."""

_MAX_DELAY_SECONDS = 5.0
"""Less than the usual timeout of a client, which should see why its call was refused."""

_MAX_HELD = 200
"""Calls that are held back at a time; each takes about 40 KiB."""

_MAX_SOURCES = 10_000


class RefusalThrottle:
    """Delays the answers to refused calls, by source (a token bucket for each)."""

    def __init__(self, monotonic: Callable[[], float], random: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._random = random
        self._held = 0
        # When the answer to the next refused call would be due if there were no burst.
        self._due: BoundedCache[str, float] = BoundedCache(_MAX_SOURCES)

    def is_slow(self, source: str) -> bool:
        """Return whether refused calls of a source are held back."""
        return self._delay(source) > 0

    async def refuse(self, source: str) -> bool:
        """Count a refused call of a source, and return when it may be answered.

        Returns False at once if the call should be held back, but too many calls are.
        """
        now = self._monotonic()
        due = max(self._due.get(source, now), now) + 1 / _PER_SECOND
        self._due[source] = min(due, now + _BURST / _PER_SECOND + _MAX_DELAY_SECONDS)
        delay = self._delay(source)
        if delay <= 0:
            return True
        if self._held >= _MAX_HELD:
            return False
        self._held += 1
        try:
            # Spread, so that many callers with the longest delay do not come back at once.
            await asyncio.sleep(delay * (1 + self._random()) / 2)
        finally:
            self._held -= 1
        return True

    def _delay(self, source: str) -> float:
        """Return for how many seconds an answer to a source is held back."""
        return self._due.get(source, -math.inf) - _BURST / _PER_SECOND - self._monotonic()
