"""Detects repeats: events that a client has already caused within a time window.

In mode AGGREGATE all readers of a group share one token, so that the authority cannot bound
what one person adds to a count. The edge sees the client, but not the mode. So it marks
repeats in all modes, and the authority drops those that are AGGREGATE. They are repeats of an
event of the campaign, not of a token: a sender can put the tokens of many groups into one mail.

A client is an address with a user agent. Only a hash is kept, under a random key, in memory that
the workers of an edge share.
"""

from collections.abc import Callable

from hushpost_edge.shared_entries import SharedEntries
from hushpost_runtime.networks import subnet_of

__all__ = ["RepeatDetector"]

_LINK_BYTES = 4
_MAX_USER_AGENT_BYTES = 512


class RepeatDetector:
    """Remembers which client caused which event.

    Args:
        events: The events of all workers that were no repeats, kept for the window or longer.
        window: How many seconds long an event is repeated; with 0 no event is a repeat.
        clock: Returns seconds of a clock that all workers share.
    """

    def __init__(self, events: SharedEntries, window: float, clock: Callable[[], float]) -> None:
        self._events = events
        self._window = window
        self._clock = clock

    def observe(self, campaign: bytes, link: int, address: str, user_agent: bytes) -> bool:
        """Add an event, and return whether it is a repeat.

        It is one if the client has caused the same event within the window before, and that was
        no repeat itself. So a client causes at most one other event per window.
        """
        if not self._window:
            return False
        # Only address and user agent can have any length, and no header contains a zero byte.
        client = subnet_of(address) + b"\0" + user_agent[:_MAX_USER_AGENT_BYTES]
        now = self._clock()
        is_repeated = False

        def add(time: float, value: bytes | None) -> bytes | None:
            nonlocal is_repeated
            is_repeated = value is not None and now - time < self._window
            return None if is_repeated else b""

        self._events.update(campaign + link.to_bytes(_LINK_BYTES) + client, now, add)
        return is_repeated

    def forget_old(self) -> None:
        """Forget old events. Call it regularly, also if there are no events."""
        self._events.forget(self._clock())
