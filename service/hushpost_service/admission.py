"""How much may be under way at a time: what is more is refused before it costs anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import Gauge

from hushpost_service.errors import HushpostError, Reason

__all__ = ["Admission", "Room"]

_UNDER_WAY = Gauge(
    "hushpost_under_way", "Calls of each kind, and events of batches, under way.", ["name"]
)


class Room:
    """Room for so many calls, or events, at a time.

    What comes is let in while there is any room at all, so that a large batch is
    not kept out for ever by small ones: at most the largest batch goes beyond.
    """

    def __init__(self, limit: int, what: str) -> None:
        self._limit = limit
        self._refusal = f"too many {what} are under way"
        self.taken = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing is let in."""
        return self.taken >= self._limit

    def check(self) -> None:
        """Raise OVERLOADED if nothing is let in."""
        if self.taken >= self._limit:
            raise HushpostError(Reason.OVERLOADED, self._refusal)

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Let so many in until the block ends. Raises OVERLOADED."""
        self.check()
        self.taken += count
        try:
            yield
        finally:
            self.taken -= count

    # Every call passes these two: a generator would cost it a microsecond.
    def __enter__(self) -> None:
        if self.taken >= self._limit:
            self.check()
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


class Admission:
    """Room for each kind of call apart, so that none of them takes another's.

    However many events come, statistics and opt-outs are answered, and links
    followed.
    """

    def __init__(self, *, calls: int, events: int) -> None:
        """Let in so many calls of each kind, and so many events of batches."""
        self.recording = Room(calls, "recording calls")
        self.streams = Room(calls, "streams")
        self.others = Room(calls, "calls")
        self.events = Room(events, "events")
        for name, room in vars(self).items():
            _UNDER_WAY.labels(name).set_function(partial(getattr, room, "taken"))
