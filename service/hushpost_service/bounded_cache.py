"""A cache of bounded size with FIFO eviction. Pure."""

from typing import TypeVar

__all__ = ["BoundedCache"]

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(dict[K, V]):
    """A dictionary of at most `max_entries`; adding another evicts the oldest.

    Evicts in insertion order, not by last use: reads happen for every event, and this way
    they are plain `dict` lookups.
    """

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._max_entries and key not in self:
            del self[next(iter(self))]
        super().__setitem__(key, value)
