"""Detects repeats: events that a client has already caused within a time window.

In mode AGGREGATE all readers of a group share one token, so that the authority cannot bound
what one person adds to a count. The edge sees the client, but not the mode. So it marks
repeats in all modes, and the authority drops those that are AGGREGATE. They are repeats of an
event of the campaign, not of a token: a sender can put the tokens of many groups into one mail.

A client is an address with a user agent. Only a digest is kept, under a random key that no
other process has, and in memory only.
"""

import secrets
from collections.abc import Callable
from hashlib import blake2b

from hushpost_edge.recent_entries import RecentEntries
from hushpost_runtime.networks import subnet_of

__all__ = ["RepeatDetector"]

_MAX_ENTRIES = 200_000
"""Per generation, of which there are two; an entry takes about 150 bytes."""

_DIGEST_BYTES = 8
_LINK_BYTES = 4
_MAX_USER_AGENT_BYTES = 512


class RepeatDetector:
    """Remembers which client caused which event; `clock` returns seconds.

    With a window of 0 seconds no event is a repeat.
    """

    def __init__(
        self, clock: Callable[[], float], window: float, max_entries: int = _MAX_ENTRIES
    ) -> None:
        self._clock = clock
        self._window = window
        self._digest = blake2b(key=secrets.token_bytes(32), digest_size=_DIGEST_BYTES)
        self._times: RecentEntries[bytes, float] = RecentEntries(window, max_entries, clock())

    def observe(self, campaign: bytes, link: int, address: str, user_agent: bytes) -> bool:
        """Add an event, and return whether it is a repeat.

        It is one if the client has caused the same event within the window before, and that was
        no repeat itself. So a client causes at most one other event per window.
        """
        if not self._window:
            return False
        digest = self._digest.copy()
        # Only the last two parts can have any length, and no header contains a zero byte.
        digest.update(campaign + link.to_bytes(_LINK_BYTES) + subnet_of(address) + b"\0")
        digest.update(user_agent[:_MAX_USER_AGENT_BYTES])
        key = digest.digest()
        now = self._clock()
        earlier = self._times.find(key, now)
        if earlier is not None and now - earlier < self._window:
            return True
        self._times.set(key, now)
        return False
